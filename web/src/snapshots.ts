// Snapshots with what the gate said of them, and what was decided.
import { keep, release, rollBack } from './actions';
import { byId, foreign, h, redraw } from './dom';
import { ago, bytes, clock, figure, num, percent, seconds, short, visible, word } from './format';
import { isAlarm } from './series';
import type { Check, Decision, Snapshot, Verdict } from './types';

export function bound(check: Check): string {
  if (check.lower !== undefined && check.upper !== undefined) {
    return `${figure(check.lower)} to ${figure(check.upper)}`;
  }
  if (check.lower !== undefined) return `at least ${figure(check.lower)}`;
  return check.upper !== undefined ? `at most ${figure(check.upper)}` : '';
}

export function verdictWord(verdict: Verdict | undefined): [string, string] {
  if (!verdict || (verdict.checks ?? []).length === 0) return ['not checked', 'quiet'];
  if (verdict.passed) return ['passed', 'good'];
  return verdict.forced ? ['forced', 'warning'] : ['rejected', 'critical'];
}

function checks(verdict: Verdict): HTMLElement {
  return h('table', { class: 'checks' },
    h('thead', {}, h('tr', {}, ...['Check', 'Figure', 'Serving', 'Bound', ''].map((name, i) =>
      h('th', { scope: 'col', class: i > 0 && i < 4 ? 'r' : null }, name)))),
    h('tbody', {}, ...(verdict.checks ?? []).map((check) => h('tr', { title: visible(check.text) || null },
      h('th', { scope: 'row' }, word(check.name) + (check.slice ? `, ${visible(check.slice)}` : '')),
      h('td', { class: 'r' }, check.checked ? figure(check.value) : '–'),
      h('td', { class: 'r quiet' }, check.checked && check.reference !== 0 ? figure(check.reference) : ''),
      h('td', { class: 'r quiet' }, bound(check)),
      h('td', {}, tag(check.checked ? (check.passed ? 'passed' : 'failed') : 'no data',
                      check.checked ? (check.passed ? 'good' : 'critical') : 'quiet'))))));
}

function tag(text: string, level: string): HTMLElement {
  return h('span', { class: 'tag', 'data-level': level }, text);
}

// Which rows are open, over redrawing.
const open = new Set<number>();

function row(snapshot: Snapshot, now_ms: number, again: () => void): (HTMLElement | null)[] {
  const version = num(snapshot.version);
  const [said, level] = verdictWord(snapshot.verdict);
  const hasChecks = (snapshot.verdict?.checks ?? []).length > 0;
  const isOpen = open.has(version) && hasChecks;
  const hit = snapshot.quality;
  const button = (name: string, key: string, act: () => void, danger = false) => h('button', {
    type: 'button', class: danger ? 'small danger' : 'small', 'data-focus': key + version,
    'aria-label': `${name} snapshot ${version}`, onclick: act,
  }, name);
  const kept = snapshot.kept_as ?? '';
  return [h('tr', { class: snapshot.serving ? 'serving' : null },
    h('th', { scope: 'row' }, String(version), ' ',
      snapshot.serving ? tag('serving', 'good') : null,
      snapshot.pinned ? tag('pinned', 'warning') : null,
      snapshot.bad ? tag('bad', 'critical') : null,
      kept !== '' ? h('span', { class: 'tag', 'data-level': 'info' }, foreign(kept)) : null),
    h('td', { 'data-name': 'Made', title: clock(num(snapshot.created_ms)) }, ago(num(snapshot.created_ms), now_ms)),
    h('td', { class: 'r', 'data-name': 'Learnt through' }, short(num(snapshot.trained_through))),
    h('td', { class: 'r', 'data-name': 'Users · items' }, `${short(num(snapshot.users))} · ${short(num(snapshot.items))}`),
    h('td', { class: 'r', 'data-name': 'Size' }, bytes(num(snapshot.bytes))),
    h('td', { class: 'r', 'data-name': 'Hit rate' }, hit && num(hit.events) > 0 ? percent(hit.hit_rate_10?.value ?? NaN) : '–'),
    h('td', { 'data-name': 'Gate' }, hasChecks
      ? h('button', {
          type: 'button', class: 'tag', 'data-level': level, 'aria-expanded': String(isOpen),
          'data-focus': 'checks' + version, 'aria-label': `${said}: the checks of snapshot ${version}`,
          onclick: () => {
            if (!open.delete(version)) open.add(version);
            again();
          },
        }, said)
      : tag(said, level)),
    h('td', { class: 'acts' },
      snapshot.serving ? null : button('Roll back', 'roll', () => rollBack(version), true),
      kept !== '' ? button('Release', 'release', () => release(version, kept))
                  : button('Keep', 'keep', () => keep(version)))),
  isOpen && snapshot.verdict ? h('tr', { class: 'more' }, h('td', { colspan: 8 },
    h('p', { class: 'note' }, `Looked at ${clock(num(snapshot.verdict.decided_ms))}` +
      (num(snapshot.verdict.compared_with) > 0 ? `, compared with ${num(snapshot.verdict.compared_with)}` : '') +
      `, in ${seconds(snapshot.verdict.seconds)}.`), checks(snapshot.verdict))) : null];
}

export function showSnapshots(snapshots: Snapshot[], now_ms: number): void {
  const place = byId('snapshot-list');
  const again = () => showSnapshots(snapshots, now_ms);
  // The ages move: by the minute.
  const minute = Math.floor(now_ms / 60000);
  redraw(place, [snapshots, [...open], minute], () => snapshots.length === 0
    ? [h('p', { class: 'empty' }, 'No snapshot is on disk yet.')]
    : [h('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Snapshots, table' }, h('table', { class: 'stack' },
        h('thead', {}, h('tr', {}, ...[['Version', ''], ['Made', ''], ['Learnt through', 'r'],
          ['Users · items', 'r'], ['Size', 'r'], ['Hit rate', 'r'], ['Gate', ''], ['', '']]
          .map(([name, align]) => h('th', { scope: 'col', class: align || null }, name)))),
        h('tbody', {}, ...snapshots.flatMap((s) => row(s, now_ms, again)))))]);
}

export function showDecisions(decisions: Decision[] | null): void {
  redraw(byId('decision-list'), decisions, () => {
    if (decisions === null) return [h('p', { class: 'empty' }, 'This daemon keeps no list of them.')];
    if (decisions.length === 0) return [h('p', { class: 'empty' }, 'Nothing was decided yet.')];
    return [h('ol', { class: 'decisions' }, ...decisions.map((d) =>
      h('li', { 'data-level': isAlarm(d.kind) ? 'critical' : 'info' },
        h('time', { datetime: new Date(num(d.time_ms)).toISOString() }, clock(num(d.time_ms))),
        h('strong', {}, word(d.kind, 'KIND_') + (num(d.version) > 0 ? ` ${num(d.version)}` : '')),
        foreign(d.text))))];
  });
}
