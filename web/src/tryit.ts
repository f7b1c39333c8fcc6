// A box to ask for a user, an item or several, and to look items up.
import { get, post, said } from './api';
import { byId, fill, foreign, h } from './dom';
import { clock, figure, num, percent, visible, word } from './format';
import type { Answer, Item, ScoredItem, User } from './types';

// Pages of the catalogue that one search goes through: a page looks at 20,000
// items.
const MOST_PAGES = 5;
const MOST_FOUND = 12;
const HINT = 'One item: the items nearest to it. Several: what suits them all, the first counting most.';
const LISTED = [10, 20, 50, 100];

interface Found { items?: Item[]; next_page_token?: string }

// Items by title and, before them, by the beginning of the id.
export async function search(text: string): Promise<{ items: Item[]; all: boolean }> {
  const byPrefix = await get<Found>('items', { id_prefix: text, page_size: '4' });
  const items = new Map((byPrefix.items ?? []).map((item) => [item.id, item]));
  let token = '';
  for (let page = 0; page < MOST_PAGES && items.size < MOST_FOUND; page++) {
    const found: Found = await get<Found>('items', {
      title: text, page_size: String(MOST_FOUND), ...(token ? { page_token: token } : {}),
    });
    for (const item of found.items ?? []) items.set(item.id, item);
    token = found.next_page_token ?? '';
    if (token === '') break;
  }
  return { items: [...items.values()].slice(0, MOST_FOUND), all: token === '' };
}

function titled(item: { id: string; title?: string }): HTMLElement {
  return h('span', { class: 'titled' }, foreign(item.title || item.id, 'title'),
           item.title ? foreign(item.id, 'id') : null);
}

function resultRow(item: ScoredItem, place: number): HTMLElement {
  const reasons = item.reasons ?? [];
  return h('tr', {},
    h('td', { class: 'r quiet' }, String(place)),
    h('th', { scope: 'row' }, titled(item)),
    h('td', { class: 'r', 'data-name': 'Score' }, item.unscored ? 'no vector yet' : figure(item.score) + (item.by_tags ? ' by tags' : '')),
    h('td', { class: 'r', 'data-name': 'Probability' }, item.probability > 0 ? percent(item.probability) : '–'),
    h('td', { class: 'why', 'data-name': reasons.length > 0 ? 'Because of' : null }, ...reasons.slice(0, 3).map((reason, i) =>
      h('span', {}, i > 0 ? ', ' : '', foreign(reason.title || reason.item_id),
        h('span', { class: 'quiet' }, ` ${percent(reason.share, 0)}`)))));
}

function results(answer: Answer, why: boolean): HTMLElement {
  const items = answer.items ?? [];
  if (items.length === 0) return h('p', { class: 'empty' }, 'Nothing to recommend.');
  const table = h('table', { class: why ? 'stack results' : 'stack results nowhy' },
    h('thead', {}, h('tr', {}, h('th', { scope: 'col', class: 'r' }, '#'), h('th', { scope: 'col' }, 'Item'),
      h('th', { scope: 'col', class: 'r' }, 'Score'), h('th', { scope: 'col', class: 'r' }, 'Probability'),
      h('th', { scope: 'col', class: 'why' }, 'Because of'))),
    h('tbody', {}, ...items.map((item, i) => resultRow(item, i + 1))));
  return h('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Results, table' }, table);
}

const REPRESENTATIONS: Record<string, string> = {
  REPRESENTATION_TRAINED: 'by the vector that was trained for this user',
  REPRESENTATION_FOLDED_IN: 'by the trained vector and what came since, folded in',
  REPRESENTATION_CONTEXT: 'by the given items alone',
  REPRESENTATION_POPULAR: 'as a stranger: what is popular',
};

function represented(answer: Answer): string {
  const how = REPRESENTATIONS[answer.representation ?? ''];
  const version = num(answer.snapshot?.version);
  return [
    how ? `Represented ${how}` : 'The nearest items',
    version > 0 ? `from snapshot ${version}` : '',
    answer.temperature ? `τ = ${figure(answer.temperature)}` : '',
  ].filter((s) => s !== '').join(' · ');
}

function userHistory(user: User): HTMLElement {
  const history = user.history ?? [];
  return h('details', {}, h('summary', {}, `History: ${num(user.seen)} items seen`),
    h('ul', { class: 'history' }, ...history.map((item) => h('li', {},
      titled({ id: item.item_id, title: item.title }),
      h('span', { class: 'quiet' }, ` ${word(item.kind, 'INTERACTION_KIND_')}, ${clock(num(item.time_ms))}`)))));
}

function lengths(id: string): HTMLSelectElement {
  return h('select', { id, 'aria-label': 'How many' },
    ...LISTED.map((k) => h('option', { value: k }, `${k} items`)));
}

interface Shown { told: string; parts: (Node | null)[] }

// A place for answers, of which a screen reader reads out one line. Shows what
// `ask` gives; of two that overlap the later one.
function answers(): { element: HTMLElement; show: (ask: () => Promise<Shown>) => Promise<void> } {
  const told = h('p', { class: 'note', 'aria-live': 'polite' });
  const place = h('div', { class: 'answer' });
  let latest = 0;
  const show = async (ask: () => Promise<Shown>) => {
    const own = ++latest;
    place.setAttribute('aria-busy', 'true');
    let shown: Shown;
    try {
      shown = await ask();
    } catch (error) {
      shown = { told: '', parts: [h('p', { class: 'error', role: 'alert' }, visible(said(error)))] };
    }
    if (own !== latest) return;
    place.removeAttribute('aria-busy');
    told.textContent = shown.told;
    fill(place, ...shown.parts);
  };
  return { element: h('div', { class: 'answers' }, told, place), show };
}

function userForm(): HTMLElement {
  const id = h('input', { type: 'text', id: 'try-user', autocomplete: 'off', maxlength: 256, required: true, spellcheck: false });
  const k = lengths('try-user-k');
  const answered = answers();
  const form = h('form', { class: 'line' }, h('label', { for: 'try-user' }, 'User id'), id, k,
                 h('button', { type: 'submit', class: 'primary' }, 'Recommend'));
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    void answered.show(async () => {
      const answer = await post<Answer>('recommend', {
        user_id: id.value, k: Number(k.value), include_titles: true, include_reasons: true,
      });
      const user = await get<User>('users/' + encodeURIComponent(id.value), { limit: '20' })
        .catch(() => null);  // a stranger
      return {
        told: represented(answer),
        parts: [user ? userHistory(user) : null, results(answer, true)],
      };
    });
  });
  return h('div', {}, form, answered.element);
}

function itemsForm(): HTMLElement {
  const chosen: Item[] = [];
  const chips = h('ul', { class: 'chips', 'aria-label': 'Chosen items' });
  const found = h('ul', { class: 'found', 'aria-label': 'Items found' });
  const hint = h('p', { class: 'note', 'aria-live': 'polite' }, HINT);
  const text = h('input', { type: 'search', id: 'try-item', autocomplete: 'off', maxlength: 200, spellcheck: false });
  const k = lengths('try-items-k');
  const go = h('button', { type: 'button', class: 'primary', disabled: true }, 'Find');
  const answered = answers();

  const choose = () => {
    go.disabled = chosen.length === 0;
    go.textContent = chosen.length > 1 ? `Recommend for ${chosen.length} items` : 'Find similar';
    fill(chips, ...chosen.map((item, i) => h('li', {}, titled(item), h('button', {
      type: 'button', 'aria-label': `Remove ${visible(item.title || item.id)}`,
      onclick: () => {
        chosen.splice(i, 1);
        choose();
        text.focus();
      },
    }, '×'))));
  };
  const lookUp = async () => {
    const wanted = text.value.trim();
    if (wanted === '') {
      hint.textContent = HINT;
      return fill(found);
    }
    try {
      const { items, all } = await search(wanted);
      if (text.value.trim() !== wanted) return;
      hint.textContent = items.length === 0
        ? (all ? 'No item has that in its title or id.' : 'Not found so far: be more exact.')
        : `${items.length}${all ? '' : ' or more'} found; choose one.`;
      fill(found, ...items.map((item) => h('li', {}, h('button', {
        type: 'button', class: 'pick',
        onclick: () => {
          if (!chosen.some((c) => c.id === item.id)) chosen.push(item);
          text.value = '';
          hint.textContent = HINT;
          fill(found);
          choose();
          go.focus();
        },
      }, titled(item), item.hidden ? h('span', { class: 'tag', 'data-level': 'quiet' }, 'hidden') : null))));
    } catch (error) {
      hint.textContent = visible(said(error));
    }
  };
  let timer = 0;
  text.addEventListener('input', () => {
    clearTimeout(timer);
    timer = window.setTimeout(() => void lookUp(), 250);
  });
  go.addEventListener('click', () => {
    const one = chosen.length === 1 ? chosen[0] : undefined;
    void answered.show(async () => {
      const answer = one
        ? await post<Answer>('similar', { item_id: one.id, k: Number(k.value), include_titles: true })
        : await post<Answer>('recommend', {
            context_item_ids: chosen.map((c) => c.id), k: Number(k.value),
            include_titles: true, include_reasons: true,
          });
      return { told: represented(answer), parts: [results(answer, !one)] };
    });
  });
  const form = h('form', { class: 'line' }, h('label', { for: 'try-item' }, 'Title or id'), text, k, go);
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const first = found.querySelector('button');
    if (first) first.focus(); else void lookUp();
  });
  choose();
  return h('div', {}, form, hint, found, chips, answered.element);
}

// Tabs as WAI-ARIA has them: arrow keys move between them.
export function startTry(): void {
  const panels = [['User', userForm()], ['Items', itemsForm()]] as const;
  const tabs = panels.map(([name, panel], i) => {
    panel.id = 'try-panel-' + i;
    panel.setAttribute('role', 'tabpanel');
    panel.setAttribute('aria-labelledby', 'try-tab-' + i);
    return h('button', { type: 'button', role: 'tab', id: 'try-tab-' + i, 'aria-controls': panel.id }, name);
  });
  const select = (at: number) => {
    tabs.forEach((tab, i) => {
      tab.setAttribute('aria-selected', String(i === at));
      tab.tabIndex = i === at ? 0 : -1;
      const panel = panels[i]?.[1];
      if (panel) panel.hidden = i !== at;
    });
  };
  tabs.forEach((tab, i) => {
    tab.addEventListener('click', () => select(i));
    tab.addEventListener('keydown', (event) => {
      const by = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0;
      if (by === 0) return;
      const next = (i + by + tabs.length) % tabs.length;
      select(next);
      tabs[next]?.focus();
    });
  });
  select(0);
  fill(byId('try-box'), h('div', { class: 'tabs', role: 'tablist', 'aria-label': 'What to try' }, ...tabs),
       ...panels.map(([, panel]) => panel));
}

