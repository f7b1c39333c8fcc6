// The page in a real browser, before a real daemon.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { chromium } from 'playwright-core';
import { Daemon } from './daemon.mjs';
import * as fixtures from './fixtures.mjs';

const OUT = process.env.OUT ?? path.join(tmpdir(), 'taud-page');
const directory = mkdtempSync(path.join(tmpdir(), 'taud-page-test-'));
const daemon = new Daemon(path.join(directory, 'data'));
let browser;

before(async () => {
  mkdirSync(OUT, { recursive: true });
  await daemon.start();
  browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
});

after(async () => {
  await browser?.close();
  await daemon.stop();
  rmSync(directory, { recursive: true });
});

// A page that remembers what the browser complained of. What an old daemon does
// not know it says with 501, and a browser notes that.
async function open(options = {}) {
  const page = await browser.newPage({ reducedMotion: 'reduce', viewport: { width: 1440, height: 900 }, ...options });
  page.setDefaultTimeout(20000);
  page.complaints = [];
  page.on('console', (message) => {
    if (message.type() === 'error' && !/ 501 /.test(message.text())) page.complaints.push(message.text());
  });
  page.on('pageerror', (error) => page.complaints.push(error.message));
  return page;
}

// What answers for the daemon has to be done before the page goes.
async function close(page) {
  await page.unrouteAll({ behavior: 'wait' });
  await page.close();
}

function headline(page, text) {
  return page.locator('#headline', { hasText: text }).waitFor();
}

// Whatever words the daemon has for it.
function serves(page) {
  return page.waitForFunction(() => /serving [1-9]/.test(document.title));
}

function served(page) {
  return page.evaluate(async () =>
    Number((await (await fetch('/v1/status')).json()).serving.snapshot_version));
}

// Points of the plots' lines that the page knows.
function points(page) {
  return page.evaluate(async () => (await (await fetch('/v1/history')).json()).samples.length);
}

test('a daemon with nothing is shown as that', async () => {
  const page = await open();
  await page.goto(daemon.url);
  await page.waitForFunction(() => document.title === 'taud · not ready');
  await page.locator('#banner:not([data-level="unknown"])').waitFor();
  await page.getByText('No snapshot is on disk yet.').waitFor();
  await page.fill('#try-user', 'nobody');
  await page.getByRole('button', { name: 'Recommend' }).click();
  await page.locator('#try .error').waitFor();
  assert.deepEqual(page.complaints.filter((c) => !/ 503 /.test(c)), []);
  await close(page);
});

test('plots move while interactions come', async () => {
  const titles = path.join(directory, 'items.jsonl');
  writeFileSync(titles, [
    { id: 'hostile', title: fixtures.HOSTILE }, { id: 'turned', title: fixtures.TURNED },
    { id: '<script>document.title="owned"</script>', title: 'A script in the id' },
  ].map((item) => JSON.stringify(item)).join('\n'));
  daemon.tauctl('simulate', '--interactions', '5000', '--users', '200', '--items', '300');
  daemon.tauctl('items', 'upsert', titles);
  daemon.feed('simulate', '--interactions', '1000000', '--rate', '100', '--batch', '20',
              '--users', '200', '--items', '300', '--seed', '2', '--without-items');
  const page = await open();
  const asked = [];
  page.on('request', (request) => asked.push(request.url()));
  await page.goto(daemon.url);
  await serves(page);
  const figure = page.locator('#plot-traffic');
  await figure.locator('canvas').waitFor();
  const value = () => figure.locator('.legend li').nth(1).innerText();
  await page.waitForFunction(() => /\d/.test(
    document.querySelectorAll('#plot-traffic .legend li')[1].querySelector('b').textContent));
  const before = { points: await points(page), picture: await figure.locator('canvas').evaluate((c) => c.toDataURL()) };
  await page.waitForFunction(async (count) =>
    (await (await fetch('/v1/history')).json()).samples.length >= count + 2, before.points, { polling: 500 });
  await page.waitForFunction((picture) =>
    document.querySelector('#plot-traffic canvas').toDataURL() !== picture, before.picture);
  assert.match(await value(), /interactions [1-9]/);
  assert.match(await figure.locator('.plot').getAttribute('aria-label'), /interactions .* now, between/);
  // Keys read single moments.
  await figure.locator('.plot').focus();
  await page.keyboard.press('ArrowLeft');
  assert.match(await figure.locator('.plot').getAttribute('aria-label'), /^\d\d \w+, \d\d:\d\d:\d\d: answers/);
  assert.deepEqual([...new Set(asked.map((url) => new URL(url).origin))], [daemon.url]);
  assert.deepEqual(page.complaints, []);
  await close(page);
});

test('publish and roll back do what they say', async () => {
  const page = await open();
  await page.goto(daemon.url);
  const publish = page.getByRole('button', { name: 'Publish…' });
  // A click would wait until it is enabled; focus() does not.
  await page.locator('#publish:enabled').waitFor();
  await publish.focus();
  await page.keyboard.press('Enter');
  const dialog = page.getByRole('dialog');
  await dialog.waitFor();
  // Tab stays within; Escape gives the focus back and changes nothing.
  for (let i = 0; i < 8; i++) {
    await page.keyboard.press('Tab');
    assert.ok(await page.evaluate(() =>
      document.activeElement === document.body || !!document.activeElement.closest('dialog')));
  }
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
  assert.equal(await page.evaluate(() => document.activeElement.id), 'publish');

  const old = await served(page);
  await publish.click();
  await dialog.getByRole('button', { name: 'Publish' }).click();
  await page.locator('.toast', { hasText: /^Snapshot \d+ serves$/ }).waitFor();
  assert.ok(await served(page) > old);

  // The newest: old ones are pruned meanwhile. The list may change until the click.
  await page.getByRole('button', { name: /^Roll back snapshot/ }).first().click();
  const version = Number(/\d+/.exec(await dialog.getByRole('heading').innerText())[0]);
  await dialog.getByRole('button', { name: 'Roll back' }).click();
  await page.locator('.toast', { hasText: `Snapshot ${version} serves again` }).waitFor();
  assert.equal(await served(page), version);
  await page.locator('#snapshot-list tr.serving', { hasText: 'pinned' }).waitFor();
  await publish.click();
  await dialog.getByRole('button', { name: 'Publish' }).click();
  await dialog.waitFor({ state: 'detached' });
  assert.deepEqual(page.complaints, []);
  await close(page);
});

// Answers that only a daemon of some age gives.
async function pretend(page) {
  const now = Date.now();
  const json = (body) => (route) => route.fulfill({ json: body });
  await page.route('**/v1/quality', json(fixtures.quality()));
  await page.route('**/v1/snapshots', json(fixtures.snapshots(now)));
  await page.route('**/v1/decisions', json(fixtures.decisions(now)));
  await page.route('**/v1/history*', json(fixtures.history(now)));
}

test('keep, release, pause, resume and forced publishing ask for what they say', async () => {
  const page = await open();
  await pretend(page);
  const sent = [];
  let state = 'training';
  await page.route('**/v1/{publish,pause,resume,snapshots:keep,snapshots:release}', (route) => {
    const request = route.request();
    const name = new URL(request.url()).pathname.slice('/v1/'.length);
    sent.push([name, request.postDataJSON(), request.headers()['x-taud-request'], request.headers()['content-type']]);
    if (name === 'pause') state = 'paused';
    if (name === 'resume') state = 'training';
    return route.fulfill({ json: { version: '43' } });
  });
  await page.route('**/v1/status', async (route) => {
    const status = await (await route.fetch()).json();
    status.trainer.state = state;
    await route.fulfill({ json: status });
  });
  await page.goto(daemon.url);
  const dialog = page.getByRole('dialog');
  const act = async (open, fill, go) => {
    await page.getByRole('button', { name: open }).click();
    await fill?.();
    await dialog.getByRole('button', { name: go, exact: true }).click();
    await dialog.waitFor({ state: 'detached' });
  };
  await act('Keep snapshot 42', async () => {
    // A name that is none is not sent.
    await page.fill('#keep-name', 'a b');
    await dialog.getByRole('button', { name: 'Keep' }).click();
    assert.equal(sent.length, 0);
    await page.fill('#keep-name', 'before-sale.2');
  }, 'Keep');
  await act('Release snapshot 41', null, 'Release');
  await act('Pause learning', null, 'Pause');
  await page.getByRole('button', { name: 'Resume learning' }).waitFor();
  await act('Resume learning', null, 'Resume');
  await act('Publish…', () => page.check('#force'), 'Publish');
  const mark = ['1', 'application/json'];
  assert.deepEqual(sent, [
    ['snapshots:keep', { version: '42', name: 'before-sale.2' }, ...mark],
    ['snapshots:release', { version: '41' }, ...mark],
    ['pause', {}, ...mark], ['resume', {}, ...mark], ['publish', { force: true }, ...mark],
  ]);
  assert.deepEqual(page.complaints, []);
  await close(page);
});

test('what is refused is told in the dialog', async () => {
  const page = await open();
  await pretend(page);  // 39 is on no disk
  await page.goto(daemon.url);
  await page.getByRole('button', { name: 'Roll back snapshot 39' }).click();
  const dialog = page.getByRole('dialog');
  await page.route('**/v1/rollback', (route) => route.fulfill({
    status: 404, json: { code: 5, message: 'version: no snapshot 39 is on disk', details: [] },
  }));
  await dialog.getByRole('button', { name: 'Roll back' }).click();
  await dialog.getByRole('alert').filter({ hasText: 'no snapshot 39 is on disk' }).waitFor();
  await close(page);
});

test('a user and items can be tried, and strangers\' texts are texts', async () => {
  const page = await open();
  await page.goto(daemon.url);
  await serves(page);
  await page.fill('#try-user', 'user-3');
  await page.getByRole('button', { name: 'Recommend' }).click();
  const rows = page.locator('#try-panel-0 .results tbody tr');
  await rows.first().waitFor();
  assert.equal(await rows.count(), 10);
  await page.getByText(/Represented by .* from snapshot \d+/).waitFor();
  await page.getByText(/History: \d+ items seen/).waitFor();

  await page.getByRole('tab', { name: 'User' }).focus();
  await page.keyboard.press('ArrowRight');
  await page.fill('#try-item', 'onerror');
  const found = page.locator('.found button');
  await found.first().waitFor();
  assert.match(await found.first().innerText(), /<img src=x onerror="document\.title='owned'">/);
  await page.fill('#try-item', 'txt.exe');
  await page.locator('.found button', { hasText: 'abc⟨U+202E⟩txt.exe⟨U+2066⟩' }).waitFor();
  await page.fill('#try-item', '<script>');
  await page.locator('.found button', { hasText: 'A script in the id' }).click();
  await page.getByRole('button', { name: 'Remove A script in the id' }).click();
  assert.equal(await page.locator('main img, main script').count(), 0);
  assert.doesNotMatch(await page.title(), /owned/);

  for (const [id, button] of [['item-3', 'Find similar'], ['item-5', 'Recommend for 2 items']]) {
    await page.fill('#try-item', id);
    await page.locator('.found button').filter({ has: page.locator('.id', { hasText: new RegExp(`^${id}$`) }) }).click();
    await page.getByRole('button', { name: button }).click();
    await page.locator('#try-panel-1 .results tbody tr').first().waitFor();
  }
  await page.getByText(/by the given items alone/).waitFor();
  assert.deepEqual(page.complaints, []);
  await close(page);
});

test('hostile texts in reports are inert', async () => {
  const page = await open();
  await pretend(page);
  await page.route('**/v1/status', async (route) => {
    const status = await (await route.fetch()).json();
    status.summary = fixtures.HOSTILE;
    status.problems = [{ severity: 'SEVERITY_WARNING', code: fixtures.HOSTILE, text: fixtures.TURNED + fixtures.HOSTILE }];
    await route.fulfill({ json: status });
  });
  await page.goto(daemon.url);
  await page.locator('#problems', { hasText: '<img src=x' }).waitFor();
  await page.locator('#decision-list', { hasText: '⟨U+202E⟩' }).waitFor();
  assert.equal(await page.locator('main img').count(), 0);
  assert.doesNotMatch(await page.title(), /owned/);
  assert.deepEqual(page.complaints, []);
  await close(page);
});

test('the keyboard reaches everything, and it can be seen', async () => {
  const page = await open();
  await pretend(page);
  await page.goto(daemon.url);
  await page.getByRole('button', { name: /checks of snapshot 40/ }).waitFor();
  const wanted = await page.evaluate(() => {
    const all = [...document.querySelectorAll('a[href], button:not(:disabled), input, select, summary, [tabindex="0"]')]
      .filter((e) => e.tabIndex >= 0 && e.getClientRects().length > 0);
    return all.length;
  });
  const seen = new Set();
  const invisible = [];
  for (let i = 0; i < wanted + 20; i++) {
    await page.keyboard.press('Tab');
    const now = await page.evaluate(() => {
      const e = document.activeElement;
      if (e === document.body) return null;
      window.seenOf ??= new Map();
      if (!window.seenOf.has(e)) window.seenOf.set(e, window.seenOf.size);
      const style = getComputedStyle(e);
      return { id: window.seenOf.get(e), name: e.outerHTML.slice(0, 80), outline: style.outlineStyle, skip: e.className === 'skip' };
    });
    if (now === null) continue;
    if (i === 0) assert.ok(now.skip, 'the first is the way past the header');
    seen.add(now.id);
    if (now.outline === 'none') invisible.push(now.name);
  }
  assert.ok(seen.size >= wanted, `${seen.size} of ${wanted}`);
  assert.deepEqual(invisible, []);
  await close(page);
});

test('it looks well on a desk and on a phone, in light and dark', async () => {
  for (const [name, width, height] of [['desktop', 1440, 900], ['phone', 360, 740]]) {
    for (const colorScheme of ['light', 'dark']) {
      const page = await open({ viewport: { width, height }, colorScheme });
      await pretend(page);
      await page.goto(daemon.url);
      await page.locator('#plot-hits canvas').waitFor();
      await page.getByRole('button', { name: /checks of snapshot 40/ }).click();
      await page.fill('#try-user', 'user-3');
      await page.getByRole('button', { name: 'Recommend' }).click();
      await page.locator('#try-panel-0 .results tbody tr').first().waitFor();
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), width);
      await page.evaluate(() => window.scrollTo(0, 0));
      await page.screenshot({ path: path.join(OUT, `${name}-${colorScheme}.png`), fullPage: true });
      if ((name === 'desktop') !== (colorScheme === 'light')) {
        assert.deepEqual(page.complaints, []);
        await close(page);
        continue;
      }
      // The switch is the other one, and stays over a reload.
      const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
      const first = await ground();
      await page.locator('#theme').click();
      const other = await ground();
      assert.notEqual(other, first);
      await page.reload();
      await page.locator('#plot-hits canvas').waitFor();
      assert.equal(await ground(), other);
      assert.deepEqual(page.complaints, []);
      await close(page);
    }
  }
});

test('weight and time to the first plot', async (t) => {
  const page = await open();
  await page.addInitScript(() => {
    new MutationObserver((_all, observer) => {
      if (!document.querySelector('#plot-traffic canvas')) return;
      window.firstPlot = performance.now();
      observer.disconnect();
    }).observe(document, { childList: true, subtree: true });
  });
  await page.goto(daemon.url);
  await page.waitForFunction(() => window.firstPlot !== undefined);
  const first = await page.evaluate(() => window.firstPlot);
  const bytes = await page.evaluate(() =>
    [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]
      .filter((e) => !new URL(e.name).pathname.startsWith('/v1/'))
      .reduce((sum, e) => sum + e.encodedBodySize, 0));
  t.diagnostic(`${(bytes / 1024).toFixed(1)} KiB, first plot after ${first.toFixed(0)} ms`);
  assert.ok(bytes > 50000 && bytes < 150 * 1024, String(bytes));
  await close(page);
});

test('a restart of the daemon is survived, and so is the history', async () => {
  const page = await open();
  await page.goto(daemon.url);
  await serves(page);
  const before = await points(page);
  assert.ok(before >= 2);
  await daemon.stop();
  await headline(page, 'Not reachable, trying again');
  assert.ok(await page.locator('#publish').isDisabled());
  await daemon.start();
  await serves(page);
  assert.ok(await points(page) >= before);
  await close(page);
});

test('it asks for a token where one is needed, and says what that may not do', async () => {
  const made = JSON.parse(daemon.tauctl('--json', 'token', 'new', '--name', 'eve', '--roles', 'observe'));
  const tokens = path.join(directory, 'tokens');
  writeFileSync(tokens, JSON.stringify(made.line) + '\n');
  const closed = new Daemon(path.join(directory, 'closed'), '--set', `auth.tokens_file=${tokens}`);
  await closed.start();
  const page = await open();
  await page.goto(closed.url);
  await page.fill('#token', 'taud_wrong');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.locator('dialog .error', { hasText: 'not known here' }).waitFor();
  await page.fill('#token', made.token);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.waitForFunction(() => document.title === 'taud · not ready');
  assert.equal(await page.locator('dialog').count(), 0);

  await page.click('#pause');
  await page.getByRole('dialog').getByRole('button', { name: 'Pause' }).click();
  await page.locator('dialog .error', { hasText: 'the role operate is needed' }).waitFor();
  await page.getByRole('button', { name: 'Cancel' }).click();

  await page.click('#signout');
  await page.locator('#token').waitFor();
  assert.deepEqual(page.complaints.filter((c) => !/ 40[13] /.test(c)), []);
  await close(page);
  await closed.stop();
});
