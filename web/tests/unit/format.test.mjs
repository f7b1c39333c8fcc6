import assert from 'node:assert/strict';
import { test } from 'node:test';
import { load } from './load.mjs';

const f = await load('format.ts');

test('numbers are as long as they say something', () => {
  const cases = [
    [f.count(1234567), '1,234,567'], [f.count(0), '0'], [f.count(12.345), '12.3'],
    [f.count(NaN), '–'], [f.short(9999), '9,999'], [f.short(12345), '12.3k'],
    [f.short(2.5e6), '2.5M'], [f.short(7e9), '7G'], [f.short(-20000), '-20k'],
    [f.figure(0.12345), '0.123'], [f.figure(0), '0'], [f.figure(0.00001), '1.0e-5'],
    [f.figure(Infinity), '–'], [f.percent(0.1234), '12.3 %'], [f.percent(NaN), '–'],
    [f.bytes(0), '0 B'], [f.bytes(1536), '1.5 KiB'], [f.bytes(3e9), '2.8 GiB'],
  ];
  for (const [given, wanted] of cases) assert.equal(given, wanted);
});

test('times have the unit that suits them', () => {
  const cases = [
    [0, '0 s'], [2e-5, '20 µs'], [0.0123, '12.3 ms'], [1.23, '1.2 s'], [89, '89 s'],
    [600, '10 min'], [7200, '2 h'], [86400 * 3, '3 d'], [NaN, '–'],
  ];
  for (const [given, wanted] of cases) assert.equal(f.seconds(given), wanted);
  assert.equal(f.ago(1000, 1500), 'just now');
  assert.equal(f.ago(1000, 63000), '62 s ago');
  assert.equal(f.ago(0, 63000), '–');
  assert.equal(f.ago(5000, 1000), 'just now');
});

test('what cannot be seen is spelt out, and nothing else is', () => {
  assert.equal(f.visible('a\u202eb\u2066c\u0000d\ne\u200f\ufeff'),
               'a⟨U+202E⟩b⟨U+2066⟩c⟨U+0000⟩d⟨U+000A⟩e⟨U+200F⟩⟨U+FEFF⟩');
  const plain = 'Amélie – <b>日本</b> שלום 🎬';
  assert.equal(f.visible(plain), plain);
});

test('enums are words', () => {
  assert.equal(f.word('REPRESENTATION_FOLDED_IN', 'REPRESENTATION_'), 'folded in');
  assert.equal(f.word('folded_in'), 'folded in');
});
