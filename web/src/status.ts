// The top of the page: what is wrong, and the figures that matter.
import { ago, num, visible } from './format';
import { byId, foreign, h, redraw, say } from './dom';
import type { Series } from './series';
import type { Status } from './types';
import { headline, levelOf, tiles } from './verdicts';

export function showStatus(status: Status, series: Series): void {
  const { level, text } = headline(status);
  const banner = byId('banner');
  banner.dataset['level'] = level;
  say(byId('headline'), visible(text));
  say(byId('build'), `taud ${visible(status.server_version)}, started ${ago(num(status.started_ms), num(status.now_ms))}`);
  say(byId('since'), '');
  const problems = status.problems ?? [];
  redraw(byId('problems'), problems, () => problems.map((problem) =>
    h('li', { 'data-level': levelOf(problem) },
      h('strong', {}, problem.code.replace(/_/g, ' ')), ' ', foreign(problem.text))));
  const shown = tiles(status, series);
  redraw(byId('tiles'), shown, () => shown.map((tile) =>
    h('div', { class: 'tile' }, h('dt', {}, tile.name), h('dd', {}, tile.value),
      h('dd', { class: 'detail' }, tile.detail))));
  document.title = `taud · ${status.ready ? 'serving ' + num(status.serving?.snapshot_version) : 'not ready'}`;
}

// It answers, but not this: it starts or stops, say.
export function showTrouble(text: string): void {
  byId('banner').dataset['level'] = 'warning';
  say(byId('headline'), 'No status just now: ' + visible(text));
  say(byId('since'), '');
}

export function showUnreachable(since_ms: number, now_ms: number): void {
  byId('banner').dataset['level'] = 'unknown';
  say(byId('headline'), 'Not reachable, trying again');
  say(byId('since'), since_ms > 0 ? `last answer ${ago(since_ms, now_ms)}` : '');
  document.title = 'taud · not reachable';
}
