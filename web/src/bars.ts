// Small charts of shares, as lists: a screen reader reads them as they are.
import { h } from './dom';

export interface Bar {
  name: Node | string;
  value: number;   // what the bar is as long as
  said: string;    // what it says
  low?: number;    // an interval, drawn over it
  high?: number;
  reference?: number;  // a mark, drawn over it
}

const STEPS = 400;

// The style sheet allows no style attributes, and lengths are set as properties.
function place(element: HTMLElement, left: number, width: number): HTMLElement {
  element.style.left = (100 * left).toFixed(2) + '%';
  element.style.width = (100 * width).toFixed(2) + '%';
  return element;
}

export function bars(all: Bar[], label: string): HTMLElement {
  const most = Math.max(1e-12, ...all.map((b) => Math.max(b.value, b.high ?? 0, b.reference ?? 0)));
  const share = (v: number) => Math.round(Math.min(1, Math.max(0, v / most)) * STEPS) / STEPS;
  return h('ul', { class: 'bars', 'aria-label': label }, ...all.map((bar) => {
    const track = h('span', { class: 'track', 'aria-hidden': 'true' },
                    place(h('i', { class: 'bar' }), 0, share(bar.value)));
    if (bar.low !== undefined && bar.high !== undefined) {
      track.append(place(h('i', { class: 'interval' }), share(bar.low),
                         share(bar.high) - share(bar.low)));
    }
    if (bar.reference !== undefined) {
      track.append(place(h('i', { class: 'reference' }), share(bar.reference), 0));
    }
    return h('li', {}, h('span', { class: 'name' }, bar.name), track,
             h('span', { class: 'value' }, bar.said));
  }));
}

// Columns side by side, for a histogram.
export function columns(all: { name: string; count: number }[], label: string): HTMLElement {
  const most = Math.max(1, ...all.map((c) => c.count));
  return h('div', { class: 'histogram', role: 'img', 'aria-label': label }, ...all.map((c) => {
    const column = h('i', { class: 'column' });
    column.style.height = (100 * c.count / most).toFixed(2) + '%';
    return h('span', { class: 'bin', title: c.name + ': ' + c.count.toLocaleString('en') },
             h('span', { class: 'shaft' }, column), h('span', { class: 'edge' }, c.name));
  }));
}

export function facts(rows: [string, string | Node, string?][]): HTMLElement {
  return h('dl', { class: 'facts' }, ...rows.map(([name, value, about]) =>
    h('div', { title: about ?? null }, h('dt', {}, name), h('dd', {}, value))));
}
