// What the sources must not do, and what stands in dist/.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'node:test';

const web = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const src = path.join(web, 'src');

test('no markup is made of texts', () => {
  for (const name of readdirSync(src)) {
    if (!name.endsWith('.ts')) continue;
    const text = readFileSync(path.join(src, name), 'utf8');
    assert.doesNotMatch(text, /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function/, name);
  }
});

test('the page asks nobody else and has nothing inline', () => {
  const page = readFileSync(path.join(web, 'dist/index.html'), 'utf8');
  assert.doesNotMatch(page, /https?:\/\//);
  assert.doesNotMatch(page, /<style|style=|\son\w+=|<script(?![^>]*\ssrc=)/);
});

test('dist/ is what the sources make', () => {
  const again = mkdtempSync(path.join(tmpdir(), 'taud-page-'));
  try {
    const built = spawnSync(process.execPath, [path.join(web, 'build.mjs'), again], { encoding: 'utf8' });
    assert.equal(built.status, 0, built.stderr);
    const names = readdirSync(path.join(web, 'dist')).sort();
    assert.deepEqual(readdirSync(again).sort(), names);
    for (const name of names) {
      assert.ok(readFileSync(path.join(again, name)).equals(readFileSync(path.join(web, 'dist', name))),
                `dist/${name} is old: npm --prefix web run build`);
    }
  } finally {
    rmSync(again, { recursive: true });
  }
});

test('the types are right', () => {
  const tsc = path.join(web, 'node_modules/typescript/bin/tsc');
  const checked = spawnSync(process.execPath, [tsc, '--noEmit', '-p', web], { encoding: 'utf8' });
  assert.equal(checked.status, 0, checked.stdout);
});

test('the page is light', () => {
  const bytes = readdirSync(path.join(web, 'dist'))
    .reduce((sum, name) => sum + readFileSync(path.join(web, 'dist', name)).length, 0);
  assert.ok(bytes < 150 * 1024, `${bytes} bytes`);
});
