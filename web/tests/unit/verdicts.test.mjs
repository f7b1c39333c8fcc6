import assert from 'node:assert/strict';
import { test } from 'node:test';
import { load } from './load.mjs';

const { headline, tiles } = await load('verdicts.ts');
const { Series } = await load('series.ts');

const status = (rest) => ({
  server_version: '1', now_ms: '10000', started_ms: '1', phase: 'SERVING', ready: true, ...rest,
});

test('the headline is what the daemon says, as grave as the worst problem', () => {
  const problem = (severity) => ({ severity, code: 'x', text: 'y' });
  const cases = [
    [{}, 'good', /nothing is wrong/],
    [{ summary: 'fine' }, 'good', /^fine$/],
    [{ summary: 's', problems: [problem('SEVERITY_INFO')] }, 'info', /^s$/],
    [{ summary: 's', problems: [problem('SEVERITY_INFO'), problem('SEVERITY_CRITICAL')] }, 'critical', /^s$/],
    [{ summary: 's', problems: [problem('SEVERITY_WARNING')] }, 'warning', /^s$/],
    [{ phase: 'STARTING' }, 'info', /Reading/],
    [{ phase: 'DRAINING' }, 'warning', /Stopping/],
    [{ ready: false }, 'info', /first interactions/],
    [{ trainer: { state: 'failed', error: 'e' } }, 'warning', /failed: e/],
    [{ log: { refusing: 'disk full' } }, 'critical', /disk full/],
  ];
  for (const [rest, level, text] of cases) {
    const given = headline(status(rest));
    assert.equal(given.level, level, JSON.stringify(rest));
    assert.match(given.text, text);
  }
});

test('a daemon with nothing has tiles, too', () => {
  const shown = tiles(status({}), new Series());
  assert.ok(shown.length >= 8);
  for (const tile of shown) {
    assert.doesNotMatch(tile.value + tile.detail, /NaN|undefined|null|Infinity/, tile.name);
  }
});

test('tiles say the figures', () => {
  const series = new Series();
  series.add({
    figures: ['answers_per_second', 'answer_p99_seconds', 'serve_lag_seconds'],
    samples: [[1, 12345, 0.004, 7]],
  });
  const shown = Object.fromEntries(tiles(status({
    quality: { events: '5', hit_rate_10: { value: 0.25, low: 0, high: 1 }, popularity_hit_rate_10: 0.1, ndcg_10: 0 },
  }), series).map((t) => [t.name, t.value + ' ' + t.detail]));
  assert.equal(shown['Hit rate at 10'], '25.0 % popularity 10.0 %');
  assert.equal(shown['Answers'], '12.3k/s 99 % within 4 ms');
  assert.match(shown['Freshness'], /^7 s/);
});
