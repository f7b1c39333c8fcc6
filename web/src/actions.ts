// What changes something: asked for in a dialog, which tells what came of it.
import { post, said } from './api';
import { byId, foreign, h } from './dom';
import { num, visible } from './format';
import type { Int64 } from './types';

export interface Action {
  title: string;
  // What it will do, for people.
  text: (Node | string)[];
  button: string;
  danger?: boolean;
  fields?: HTMLElement[];
  // Sends it; what to say when it was done.
  run: () => Promise<string>;
}

let afterwards: () => void = () => undefined;

export function onActed(listener: () => void): void {
  afterwards = listener;
}

export function toast(text: string): void {
  const note = h('p', { class: 'toast' }, visible(text));
  byId('toasts').append(note);
  setTimeout(() => note.remove(), 6000);
}

// A native dialog keeps the keyboard within and gives it back.
export function confirm(action: Action): void {
  const error = h('p', { class: 'error', role: 'alert' });
  const go = h('button', { type: 'submit', class: action.danger ? 'danger' : 'primary' }, action.button);
  const cancel = h('button', { type: 'button', onclick: () => dialog.close() }, 'Cancel');
  const form = h('form', { method: 'dialog' },
    h('h2', { id: 'dialog-title' }, action.title), h('p', {}, ...action.text),
    ...(action.fields ?? []), error, h('div', { class: 'buttons' }, cancel, go));
  const dialog = h('dialog', { 'aria-labelledby': 'dialog-title' }, form);
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    go.disabled = true;
    go.setAttribute('aria-busy', 'true');
    error.textContent = '';
    try {
      const done = await action.run();
      dialog.close();
      toast(done);
      afterwards();
    } catch (reason) {
      error.textContent = visible(said(reason));
      go.disabled = false;
    }
    go.removeAttribute('aria-busy');
  });
  dialog.addEventListener('close', () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

interface Published { version: Int64 }

export function publish(): void {
  const force = h('input', { type: 'checkbox', id: 'force' });
  confirm({
    title: 'Publish the model as it is now?',
    text: ['A snapshot is made, looked at by the gate, and serves if it passes. This ends a roll-back.'],
    fields: [h('label', { class: 'check', for: 'force' }, force,
               h('span', {}, 'Serve it though the gate rejects it. It is marked so for ever.'))],
    button: 'Publish',
    run: async () => {
      const done = await post<Published>('publish', force.checked ? { force: true } : {});
      return `Snapshot ${num(done.version)} serves`;
    },
  });
}

export function rollBack(version: number): void {
  confirm({
    title: `Serve snapshot ${version} again?`,
    text: ['It is put back into service and stays there, after a restart, too, until somebody publishes. Learning goes on meanwhile.'],
    button: 'Roll back',
    danger: true,
    run: async () => {
      const done = await post<Published>('rollback', { version: String(version) });
      return `Snapshot ${num(done.version)} serves again`;
    },
  });
}

export function keep(version: number): void {
  const name = h('input', {
    type: 'text', id: 'keep-name', required: true, maxlength: 64, autocomplete: 'off',
    pattern: '[A-Za-z0-9._\\-]+', autofocus: true, placeholder: 'before-sale',
    title: 'Letters, digits, dot, underscore and minus',
  });
  confirm({
    title: `Keep snapshot ${version}?`,
    text: ['It stays on disk, whatever is pruned, until it is released.'],
    fields: [h('label', { for: 'keep-name' }, 'Name'), name],
    button: 'Keep',
    run: async () => {
      await post('snapshots:keep', { version: String(version), name: name.value });
      return `Snapshot ${version} is kept as ${name.value}`;
    },
  });
}

export function release(version: number, name: string): void {
  confirm({
    title: `Release snapshot ${version}?`,
    text: ['It is kept as ', foreign(name, 'id'), '. Released, it is deleted when its turn comes.'],
    button: 'Release',
    danger: true,
    run: async () => {
      await post('snapshots:release', { version: String(version) });
      return `Snapshot ${version} is released`;
    },
  });
}

export function pauseOrResume(paused: boolean): void {
  if (paused) {
    confirm({
      title: 'Resume learning?',
      text: ['The trainer goes on with what came meanwhile.'],
      button: 'Resume',
      run: async () => {
        await post('resume', {});
        return 'Learning goes on';
      },
    });
    return;
  }
  confirm({
    title: 'Pause learning?',
    text: ['Interactions are still acknowledged, seen and folded in; the model itself stays as it is until Resume or a restart.'],
    button: 'Pause',
    danger: true,
    run: async () => {
      await post('pause', {});
      return 'Learning is paused';
    },
  });
}
