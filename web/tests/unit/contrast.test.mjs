// WCAG 2.2 AA: 4.5 to 1 for text, 3 to 1 for controls and lines of plots.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

const css = readFileSync(new URL('../../src/page.css', import.meta.url), 'utf8');

function variables(selector) {
  const begin = css.indexOf(selector + ' {');
  assert.notEqual(begin, -1, selector);
  const body = css.slice(begin, css.indexOf('}', begin));
  return Object.fromEntries([...body.matchAll(/--([\w-]+): (#[0-9a-f]{6});/g)].map((m) => [m[1], m[2]]));
}

const THEMES = {
  light: variables(':root'),
  dark: variables(":root[data-theme='dark']"),
  system: variables(":root:not([data-theme='light'])"),
};

function luminance(colour) {
  const [r, g, b] = [1, 3, 5].map((i) => {
    const c = parseInt(colour.slice(i, i + 2), 16) / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(one, other) {
  const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}

const TEXT = [
  ...['text', 'muted', 'accent', 'critical', 'good', 'warning', 'info'].flatMap((ink) =>
    ['bg', 'surface', 'raised'].map((ground) => [ink, ground])),
  ['on-accent', 'accent'], ['bg', 'text'], ['text', 'quiet-bg'], ['muted', 'quiet-bg'],
  ['accent', 'info-bg'], ['critical', 'quiet-bg'],
  ...['good', 'info', 'warning', 'critical'].flatMap((l) => [[l, l + '-bg'], ['muted', l + '-bg']]),
];
const SHAPES = [
  ...['s1', 's2', 's3', 's4', 'bad', 'accent', 'control'].map((line) => [line, 'surface']),
  ['control', 'bg'], ['s1', 'grid'],
];

for (const [name, theme] of Object.entries(THEMES)) {
  test(`contrast, ${name}`, () => {
    for (const [pairs, least] of [[TEXT, 4.5], [SHAPES, 3]]) {
      for (const [ink, ground] of pairs) {
        const given = contrast(theme[ink], theme[ground]);
        assert.ok(given >= least, `${ink} on ${ground}: ${given.toFixed(2)} of ${least}`);
      }
    }
  });
}

test('the system\'s dark is the dark of the switch', () => {
  assert.deepEqual(THEMES.system, THEMES.dark);
  assert.deepEqual(Object.keys(THEMES.light), Object.keys(THEMES.dark));
});

test('no colour stands outside the variables', () => {
  const rules = css.replace(/--[\w-]+: #[0-9a-f]{6};/g, '');
  assert.deepEqual([...rules.matchAll(/#[0-9a-f]{3,8}\b(?=[^{]*\})/gi)].map((m) => m[0]), []);
});
