// Who looks at the page: a token, kept for this tab alone.
import { byId, h } from './dom';

const KEY = 'taud-token';
let held = '';  // where the browser keeps nothing

export function token(): string {
  try {
    return sessionStorage.getItem(KEY) ?? held;
  } catch {
    return held;
  }
}

function keep(text: string): void {
  held = text;
  try {
    if (text === '') sessionStorage.removeItem(KEY);
    else sessionStorage.setItem(KEY, text);
  } catch {
    // It holds until the page is left.
  }
  byId('signout').hidden = text === '';
}

let open = false;

// Asks for a token, unless it is being asked for already; `why` is what the
// daemon said of the one before.
export function signIn(why: string, signed: () => void): void {
  if (open) return;
  open = true;
  const rejected = token() !== '';
  const input = h('input', {
    type: 'password', id: 'token', required: true, autocomplete: 'off',
    autofocus: true, spellcheck: 'false',
  });
  const form = h('form', { method: 'dialog' },
    h('h2', { id: 'signin-title' }, 'Sign in'),
    h('p', {}, 'This daemon asks for a token. The role observe shows this page; operate publishes and rolls back, recommend and catalog try it out.'),
    h('label', { for: 'token' }, 'Token'), input,
    h('p', { class: 'error', role: 'alert' }, rejected ? why : null),
    h('div', { class: 'buttons' }, h('button', { type: 'submit', class: 'primary' }, 'Sign in')));
  const dialog = h('dialog', { 'aria-labelledby': 'signin-title', class: 'signin' }, form);
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    keep(input.value.trim());
    dialog.close();
  });
  dialog.addEventListener('close', () => {
    dialog.remove();
    open = false;
    signed();
  });
  document.body.append(dialog);
  dialog.showModal();
}

export function startSignOut(signedOut: () => void): void {
  const button = byId<HTMLButtonElement>('signout');
  button.hidden = token() === '';
  button.addEventListener('click', () => {
    keep('');
    signedOut();
  });
}
