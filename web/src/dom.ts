// Elements without a markup string anywhere: what strangers wrote is text.
import { visible } from './format';

type Child = Node | string | null | undefined | false;
type Value = string | number | boolean | null | undefined | ((event: Event) => void);

// h('button', {class: 'x', onclick: f, disabled: true}, 'text')
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K, attributes: Record<string, Value> = {}, ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === 'function') {
      element.addEventListener(name.slice(2), value);
    } else {
      element.setAttribute(name, value === true ? '' : String(value));
    }
  }
  for (const child of children) {
    if (child !== null && child !== undefined && child !== false) element.append(child);
  }
  return element;
}

export function fill(parent: Element, ...children: Child[]): void {
  parent.replaceChildren(...children.filter((c): c is Node | string => !!c));
}

// Sets the text only if it changed, so that a screen reader says it once.
export function say(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

export function byId<T extends HTMLElement = HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (found === null) throw new Error('no element ' + id);
  return found as T;
}

// A title or an id, in a direction of its own.
export function foreign(text: string, name = ''): HTMLElement {
  return h('bdi', { class: name || null }, visible(text));
}

// Redraws `parent` unless what it shows is the same as last time: focus, and
// what is open, stay.
const shown = new WeakMap<Element, string>();
export function redraw(parent: Element, data: unknown, draw: () => Child[]): void {
  const key = JSON.stringify(data);
  if (shown.get(parent) === key) return;
  shown.set(parent, key);
  const focused = document.activeElement;
  const mark = focused instanceof HTMLElement && parent.contains(focused)
    ? focused.dataset['focus'] : undefined;
  fill(parent, ...draw());
  if (mark === undefined) return;
  for (const candidate of parent.querySelectorAll<HTMLElement>('[data-focus]')) {
    if (candidate.dataset['focus'] === mark) candidate.focus();
  }
}
