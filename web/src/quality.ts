// How good the model is, what it recommends and what it learns from.
import { bars, columns, facts, type Bar } from './bars';
import { byId, foreign, h, redraw, say } from './dom';
import { count, figure, num, percent, short, word } from './format';
import type { Estimate, Quality, SliceRanking, Window } from './types';

function card(title: string, about: string, ...children: (Node | null)[]): HTMLElement {
  return h('article', { class: 'card' }, h('h3', {}, title),
           h('p', { class: 'note' }, about), ...children);
}

function windowTable(window: Window): HTMLElement {
  const rows: [string, keyof NonNullable<Window['model']>, (v: number) => string][] = [
    ['Hit rate at 10', 'hit_rate_10', percent], ['Hit rate at 20', 'hit_rate_20', percent],
    ['NDCG at 10', 'ndcg_10', (v) => figure(v)], ['NDCG at 20', 'ndcg_20', (v) => figure(v)],
    ['Mean reciprocal rank', 'mrr', (v) => figure(v)],
  ];
  return h('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Ranking, table' },
    h('table', {},
      h('thead', {}, h('tr', {}, h('th', { scope: 'col' }, 'Measure'),
        h('th', { scope: 'col', class: 'r' }, 'Model'), h('th', { scope: 'col', class: 'r' }, '95 %'),
        h('th', { scope: 'col', class: 'r' }, 'Popularity'))),
      h('tbody', {}, ...rows.map(([name, key, spell]) => {
        const model = window.model?.[key] as Estimate | undefined;
        const popularity = window.popularity?.[key] as Estimate | undefined;
        return h('tr', {}, h('th', { scope: 'row' }, name),
          h('td', { class: 'r strong' }, model ? spell(model.value) : '–'),
          h('td', { class: 'r quiet' }, model ? `${spell(model.low)} – ${spell(model.high)}` : ''),
          h('td', { class: 'r' }, popularity ? spell(popularity.value) : '–'));
      }))));
}

export function sliceBars(slices: SliceRanking[], name: (slice: string) => string): Bar[] {
  return slices.map((s) => {
    const hit = s.ranking?.hit_rate_10;
    return {
      name: name(s.slice), value: hit?.value ?? 0,
      said: hit && (s.ranking?.events ?? 0) > 0 ? percent(hit.value) : '–',
      ...(hit ? { low: hit.low, high: hit.high } : {}),
    };
  });
}

function shareBars(shares: Record<string, number>): Bar[] {
  return Object.entries(shares).sort((a, b) => b[1] - a[1])
    .map(([name, value]) => ({ name: word(name, 'INTERACTION_KIND_'), value, said: percent(value) }));
}

function tenth(slice: string): string {
  if (slice === '1') return '1 most popular';
  return slice === '10' ? '10 rarest' : slice;
}

function evaluationCards(evaluation: NonNullable<Quality['evaluation']>): HTMLElement[] {
  const cards: HTMLElement[] = [];
  const window = evaluation.long ?? evaluation.short;
  if (window) {
    cards.push(card('Next interaction foretold',
      `Each sampled interaction was ranked among all items before it was learnt. ${short(num(evaluation.evaluated))} evaluated; what is old fades.`,
      windowTable(window)));
  }
  const tenths = evaluation.by_popularity_tenth ?? [];
  if (tenths.length > 0) {
    cards.push(card('By popularity', 'Hit rate at 10 by how popular the item is, in tenths of the interactions; the line is the 95 % interval.',
      bars(sliceBars(tenths, tenth), 'Hit rate at 10 by popularity tenth')));
  }
  const kinds = evaluation.by_representation ?? [];
  const previous = evaluation.against_previous;
  if (kinds.length > 0 || previous) {
    cards.push(card('By user', 'Hit rate at 10 by how the user was represented, and this snapshot beside the one before on the same events (McNemar’s test).',
      kinds.length > 0 ? bars(sliceBars(kinds, (s) => word(s)), 'Hit rate at 10 by representation') : null,
      previous && num(previous.events) > 0 ? facts([
        [`Only ${num(previous.version)} hit`, count(num(previous.only_current))],
        [`Only ${num(previous.previous_version)} hit`, count(num(previous.only_previous))],
        ['Both hit', count(num(previous.both))],
        ['p', figure(previous.p_value)],
        ['Lists in common', percent(previous.list_overlap_10, 0)],
      ]) : null));
  }
  return cards;
}

function servedCard(served: NonNullable<Quality['served']>): HTMLElement {
  return card('What is served', `Of the ten first items of ${count(served.lists)} sampled lists.`,
    facts([
      ['Coverage of the catalogue', percent(served.coverage)],
      ['Gini coefficient', figure(served.gini), '0: every item as often, 1: one item alone'],
      ['Average popularity', count(served.average_popularity), 'Interactions of a recommended item'],
      ['Novelty', figure(served.novelty_bits) + ' bit'],
      ['Diversity within a list', figure(served.intra_list_diversity)],
      ['Personalisation', figure(served.personalisation), '1 − share of items that two users’ lists have in common'],
      ['Entropy of a list', figure(served.entropy_bits) + ' bit'],
      ['Scores moved (PSI)', figure(served.score_psi), 'Against an hour ago; from 0.1 on they have moved'],
      ['Most frequent item', h('span', {}, foreign(served.top_item_id || '–', 'id'), ' ' + percent(served.top_item_share))],
    ]),
    served.representation ? bars(shareBars(served.representation), 'Lists by representation') : null);
}

// "0.5", "∞": protobuf spells what is not finite as a text.
function edge(upper: number | string): string {
  const value = Number(upper);
  return Number.isFinite(value) ? '≤ ' + figure(value) : 'more';
}

function learningCard(learning: NonNullable<Quality['learning']>): HTMLElement {
  const buckets = (learning.tau_user ?? []).map((b) => ({ name: edge(b.upper), count: num(b.count) }));
  const total = buckets.reduce((sum, b) => sum + b.count, 0);
  return card('Temperatures', `τ_u ÷ τ₀ of ${short(total)} trained users.`,
    total > 0 ? columns(buckets, 'Users by personal temperature: ' +
      buckets.map((b) => `${b.name}: ${b.count}`).join(', ')) : null,
    facts([
      ['τ₀', figure(learning.tau0)],
      ['ρ', figure(learning.rho)],
      ['At the least value', percent(learning.tau_user_at_lower)],
      ['At the greatest value', percent(learning.tau_user_at_upper)],
      ['Users moved', figure(learning.user_drift), '1 − mean cosine of a row with itself, against the snapshot before'],
      ['Items moved', figure(learning.item_drift), '1 − mean cosine of a row with itself, against the snapshot before'],
      ['Neighbours changed', percent(learning.neighbour_drift), 'Share of an item’s ten nearest that are others now'],
      ['Norm of the gradient', figure(learning.gradient_norm)],
    ]));
}

function inputCard(input: NonNullable<Quality['input']>): HTMLElement {
  return card('What comes in', `${short(num(input.interactions))} interactions of the last hour.`,
    input.kinds ? bars(shareBars(input.kinds), 'Interactions by kind') : null,
    facts([
      ['Of new users', percent(input.new_user_share)],
      ['With new items', percent(input.new_item_share)],
      ['Most active user', h('span', {}, foreign(input.top_user_id || '–', 'id'), ' ' + percent(input.top_user_share))],
      ['Most active item', h('span', {}, foreign(input.top_item_id || '–', 'id'), ' ' + percent(input.top_item_share))],
      ['Kinds moved (PSI)', figure(input.kinds_psi), 'From 0.1 on they have moved'],
    ]));
}

export function showQuality(quality: Quality | null): void {
  const parts = quality ?? {};
  const events = num(parts.evaluation?.evaluated);
  say(byId('quality-note'), quality === null ? 'This daemon does not measure it.'
    : events === 0 ? 'Nothing was evaluated yet: interactions have to come while a snapshot serves.' : '');
  redraw(byId('quality-cards'), parts, () => [
    ...(parts.evaluation && events > 0 ? evaluationCards(parts.evaluation) : []),
    parts.served && num(parts.served.sampled) > 0 ? servedCard(parts.served) : null,
    parts.learning && (parts.learning.tau_user ?? []).length > 0 ? learningCard(parts.learning) : null,
    parts.input && num(parts.input.interactions) > 0 ? inputCard(parts.input) : null,
  ]);
}

