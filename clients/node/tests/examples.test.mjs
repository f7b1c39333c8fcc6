// Node's examples and the lines of the README, against a real daemon.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, symlinkSync, mkdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Daemon } from './daemon.mjs';

const PACKAGE = join(dirname(fileURLToPath(import.meta.url)), '..');
// Where a user has installed the package.
const place = mkdtempSync(join(tmpdir(), 'taud-shop-'));
let daemon;

before(async () => {
  mkdirSync(join(place, 'node_modules'));
  symlinkSync(PACKAGE, join(place, 'node_modules', 'taud'));
  daemon = await Daemon.start(join(place, 'data'));
});
after(async () => {
  assert.equal(await daemon.stop(), 0);
  rmSync(place, { recursive: true });
});

test('the ten lines', async () => {
  const readme = readFileSync(join(PACKAGE, 'README.md'), 'utf8');
  const lines = /## Ten lines[^\n]*\n\n((?: {4}.*\n|\n)+)/.exec(readme)[1];
  writeFileSync(join(place, 'ten.mjs'), lines.replace('localhost:50051', daemon.address));
  const program = spawn(process.execPath, [join(place, 'ten.mjs')], { stdio: ['ignore', 'pipe', 'inherit'] });
  let out = '';
  program.stdout.on('data', (text) => { out += text; });
  assert.deepEqual(await once(program, 'exit'), [0, null]);
  assert.match(out, /^metropolis -?[\d.]+\n$/);
});

test('a shop', async () => {
  copyFileSync(join(PACKAGE, '..', '..', 'examples', 'shop.mjs'), join(place, 'shop.mjs'));
  const shop = spawn(process.execPath, [join(place, 'shop.mjs'), '0', daemon.address],
                     { stdio: ['ignore', 'pipe', 'inherit'] });
  const [first] = await once(shop.stdout, 'data');
  const url = `http://127.0.0.1:${/listening on (\d+)/.exec(first)[1]}`;
  const ask = async (method, path, body, headers = {}) => {
    const response = await fetch(url + path, { method, headers, body: body && JSON.stringify(body) });
    return [response.status, await response.json(), response.headers.get('set-cookie')];
  };
  const goods = Array.from({ length: 30 }, (_, i) => ({
    id: `good ${i}`, title: `Good no. ${i}`, department: ['books', 'tea', 'tools'][i % 3], price: i, sold_out: i === 3,
  }));
  assert.deepEqual((await ask('PUT', '/goods', goods)).slice(0, 2), [200, { written: 30 }]);
  for (let i = 0; i < 60; i++) {
    assert.equal((await ask('POST', `/visits/c${i % 12}/good%20${i % 30}?did=${i % 2 ? 'like' : 'purchase'}`))[0], 200);
  }
  const [, visited, cookie] = await ask('POST', '/visits/ann/good%201');
  assert.ok(visited.sequence > 0);
  const seen = cookie.split(';')[0];
  // What was bought is not recommended, nor what is sold out.
  const [status, mine] = await ask('GET', '/for/ann', undefined, { cookie: seen });
  assert.equal(status, 200);
  assert.equal(mine.goods.length, 8);
  assert.ok(!mine.goods.some(({ id }) => id === 'good 1' || id === 'good 3'));
  const [, cheap] = await ask('GET', '/for/ann?department=tea&below=12', undefined, { cookie: seen });
  assert.deepEqual(cheap.goods.map(({ id }) => id).sort(), ['good 10', 'good 4', 'good 7']);
  assert.match(cheap.goods[0].title, /^Good no\. \d+$/);
  assert.equal((await ask('POST', '/visits/ann/good%201?did=steal'))[0], 400);
  assert.equal((await ask('GET', '/nothing'))[0], 404);
  shop.kill('SIGTERM');
  await once(shop, 'exit');
});
