import assert from 'node:assert/strict';
import { test } from 'node:test';
import { load } from './load.mjs';

const { Series, describe, isAlarm, marks } = await load('series.ts');
const figures = ['a', 'b'];

test('columns are those asked for, from a time on', () => {
  const series = new Series();
  series.add({ figures, samples: [[1000, 1, 10], [2000, 2, null], [3000, 3, 30]] });
  assert.deepEqual(series.columns(['b', 'missing'], 2000), [[2, 3], [null, 30], [null, null]]);
  assert.equal(series.last_ms, 3000);
  assert.equal(series.latest('a'), 3);
  assert.ok(Number.isNaN(series.latest('missing')));
});

test('what is there already is not added again', () => {
  const series = new Series();
  series.add({ figures, samples: [[1000, 1, 1], [2000, 2, 2]] });
  series.add({ figures, samples: [[2000, 9, 9], [3000, 3, 3]] });
  assert.deepEqual(series.columns(['a'], 0), [[1, 2, 3], [1, 2, 3]]);
});

test('other figures begin anew', () => {
  const series = new Series();
  series.add({ figures, samples: [[1000, 1, 1]] });
  series.add({ figures: ['c'], samples: [[500, 5]] });
  assert.deepEqual(series.columns(['c'], 0), [[0.5], [5]]);
});

test('a daemon that was away interrupts the line', () => {
  const series = new Series();
  series.add({ figures, samples: [[1000, 1, 1], [60000, 2, 2], [400000, 3, 3]] });
  assert.deepEqual(series.columns(['a'], 0), [[1, 60, 230, 400], [1, 2, null, 3]]);
});

test('it is bounded', () => {
  const series = new Series(3);
  for (let i = 1; i <= 10; i++) series.add({ figures, samples: [[i, i, i]] });
  assert.deepEqual(series.columns(['a'], 0)[1], [8, 9, 10]);
  series.add({ figures, samples: [] });
  assert.equal(series.size, 3);
});

test('a plot has words', () => {
  const spell = (v) => v + ' s';
  assert.equal(describe('Lag', ['one', 'two'], [[1, 2, 3], [1, 5, null], [null, null, null]], spell),
               'Lag: one 5 s now, between 1 s and 5 s');
  assert.equal(describe('Lag', ['one'], [[], []], spell), 'Lag: nothing known yet');
});

test('decisions become marks', () => {
  assert.deepEqual(marks([{ kind: 'KIND_REJECTED', time_ms: '5000', version: '4', text: 't' }]),
                   [{ time_s: 5, kind: 'KIND_REJECTED', version: 4, text: 't' }]);
  assert.equal(isAlarm('KIND_REJECTED'), true);
  assert.equal(isAlarm('KIND_PUBLISHED'), false);
});
