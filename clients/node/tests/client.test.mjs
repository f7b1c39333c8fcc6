// The client alone, and against a real daemon.
//   TAUD=build/release/bin/taud [CYCLES=10] node --test clients/node/tests/
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { Client, delayMs, DEFAULT_RETRY, TaudError } from 'taud';
import { Daemon } from './daemon.mjs';

const TAUCTL = join(dirname(process.env.TAUD), 'tauctl');
const CYCLES = Number(process.env.CYCLES ?? 2);
const directories = [];

function directory() {
  const made = mkdtempSync(join(tmpdir(), 'taud-node-'));
  directories.push(made);
  return join(made, 'data');
}

after(() => directories.forEach((made) => rmSync(made, { recursive: true })));

test('who is tried again, and when', () => {
  const error = (code, retryAfterMs) => new TaudError(code, 'x', { retryAfterMs });
  const cases = [
    [error('UNAVAILABLE'), 1, 1000, 1, 50],
    [error('UNAVAILABLE'), 1, 1000, 0, 25],
    [error('UNAVAILABLE'), 3, 1000, 1, 200],
    [error('UNAVAILABLE'), 99, 9000, 1, 2000],
    [error('UNAVAILABLE'), 100, 9000, 1, undefined],
    [error('UNAVAILABLE'), 1, 40, 1, undefined],
    [error('UNAVAILABLE', 300), 9, 1000, 0, 300],
    [error('RESOURCE_EXHAUSTED', 100), 1, 1000, 1, 120],
    [error('RESOURCE_EXHAUSTED'), 1, 1000, 1, undefined],
    [error('NOT_FOUND', 100), 1, 1000, 1, undefined],
  ];
  for (const [failure, attempt, left, chance, expected] of cases) {
    assert.equal(delayMs(DEFAULT_RETRY, failure, attempt, left, chance), expected,
                 `${failure.code} ${attempt}`);
  }
});

// Even users like even items.
function twoTastes() {
  const all = [];
  for (let turn = 0; turn < 10; turn++) {
    for (let user = 0; user < 60; user++) {
      all.push({ user: `u${user}`, item: `i${(7 * user + 11 * turn) % 40 * 2 + user % 2}` });
    }
  }
  return all;
}

let daemon;
let client;
before(async () => {
  daemon = await Daemon.start(directory());
  client = new Client(daemon.address, { timeoutMs: 60000 });
  await client.waitUntilLearnt(await client.write(twoTastes()));
});
after(async () => {
  client.close();
  assert.equal(await daemon.stop(), 0);
});

test('recommends from one snapshot', async () => {
  const answer = await client.recommend('u4', { k: 5 });
  assert.equal(answer.items.length, 5);
  assert.match(answer.representation, /^(trained|folded_in)$/);
  assert.ok(answer.snapshot > 0);
});

test('reads its own writes', async () => {
  const item = (await client.recommend('u5', { k: 1 })).items[0].id;
  const sequence = await client.write([{ user: 'u5', item, kind: 'like' }]);
  const then = await client.recommend('u5', { afterSequence: sequence });
  assert.ok(!then.items.some(({ id }) => id === item));
});

test('a context, a filter, titles', async () => {
  await client.upsertItems([{ id: 'i1', title: 'Één', tags: ['new'], properties: { price: { number: 3 } } }]);
  const answer = await client.recommend('', {
    context: ['i3'], titles: true, filter: { anyTags: ['new'], expression: 'price < 4' },
  });
  assert.deepEqual(answer.items.map(({ id, title }) => [id, title]), [['i1', 'Één']]);
  assert.equal((await client.getItem('i1')).item.properties.price.number, 3);
  assert.equal((await client.similar('i10', { k: 3 })).length, 3);
});

test('exploration tells its seed, which no number holds', async () => {
  const answer = await client.recommend('u1', { exploration: { share: 0.5 } });
  assert.equal(answer.items.length, 10);
});

test('many users, some at a time', async () => {
  const users = Array.from({ length: 25 }, (_, i) => `u${i}`);
  const answers = [];
  for await (const answer of client.recommendMany(users, { k: 3, batch: 10 })) answers.push(answer);
  assert.deepEqual(answers.map(({ user }) => user), users);
  assert.ok(answers.every(({ items }) => items.length === 3));
});

test('errors can be read', async () => {
  await assert.rejects(client.recommend('u1', { k: 0 }), (error) => {
    assert.ok(error instanceof TaudError);
    assert.equal(error.code, 'INVALID_ARGUMENT');
    assert.match(error.message, /k: 0 is not allowed/);
    assert.deepEqual(Object.keys(error.fields), ['k']);
    assert.ok(error.requestId !== '' && error.message.includes(error.requestId));
    return true;
  });
  await assert.rejects(client.getUser('nobody'), { code: 'NOT_FOUND' });
  await assert.rejects(client.write([{ user: 'u', item: 'i', kind: 'veiw' }]), /kind: 'veiw' is none of view/);
});

test('nobody there', async () => {
  const lonely = new Client('127.0.0.1:1', { timeoutMs: 300 });
  await assert.rejects(lonely.recommend('u1'), (error) => ['UNAVAILABLE', 'DEADLINE_EXCEEDED'].includes(error.code));
  lonely.close();
});

test('what a stream says of bad interactions', async () => {
  const stream = client.ingest('bad');
  await stream.send([{ user: 'u1', item: 'i1' }, { user: '', item: 'i1' }]);
  const result = await stream.close();
  assert.deepEqual([result.accepted, result.rejected], [1, 1]);
  assert.deepEqual(result.rejections.map(({ position, index }) => [position, index]), [[1, 1]]);
  assert.match(result.rejections[0].reason, /user_id/);
  await assert.rejects(stream.send([{ user: 'u1', item: 'i1' }]), /closed/);
});

test('positions ascend, and outlive the stream', async () => {
  const stream = client.ingest('ascends');
  await stream.send([{ user: 'u1', item: 'i1' }], 7);
  await assert.rejects(stream.send([{ user: 'u1', item: 'i1' }], 7), /7 is not above/);
  await stream.close();
  const next = client.ingest('ascends');
  assert.equal(await next.position(), 7);
  await next.close();
});

test('back-pressure: send waits while too much is unacknowledged', async () => {
  const stream = client.ingest('pressed', { maxUnacknowledged: 10 });
  let taken = 0;
  const sends = Array.from({ length: 50 }, (_, n) => stream
    .send(Array.from({ length: 5 }, (_, i) => ({ user: `u${i}`, item: `i${n}` })))
    .then(() => { taken++; }));
  await stream.position();
  assert.ok(taken <= 2, `${taken} taken at once`);
  await Promise.all(sends);
  assert.equal((await stream.close()).accepted, 250);
});

// What the log has, in its order.
function stored(data) {
  return execFileSync(TAUCTL, ['export', data, '-o', '-'], { encoding: 'utf8', maxBuffer: 1 << 28 })
    .trim().split('\n').map((line) => JSON.parse(line)).map((e) => `${e.user_id} ${e.item_id}`);
}

test(`${CYCLES} times kill -9 of the daemon under a stream: nothing lost, nothing twice`, async () => {
  const data = directory();
  let crashing = await Daemon.start(data);
  const { address, port } = crashing;
  const own = new Client(address);
  const stream = own.ingest('crash', { maxUnacknowledged: 400 });
  const sent = [];
  let stop = false;
  const producing = (async () => {
    while (!stop) {
      const batch = Array.from({ length: 20 }, (_, i) => sent.length + i)
        .map((n) => ({ user: `u${n % 50}`, item: `i${n}` }));
      await stream.send(batch);
      sent.push(...batch.map(({ user, item }) => `${user} ${item}`));
    }
  })();
  for (let cycle = 0; cycle < CYCLES; cycle++) {
    const start = await stream.position();
    while (await stream.position() < start + 10) await new Promise(setImmediate);
    await crashing.kill();
    crashing = await Daemon.start(data, port);
  }
  stop = true;
  await producing;
  const result = await stream.close();
  own.close();
  assert.equal(await crashing.stop(), 0);
  assert.deepEqual(stored(data), sent);
  assert.equal(result.accepted + result.duplicates, sent.length);
});

test('a call outlives a restart', async () => {
  const data = directory();
  const first = await Daemon.start(data);
  const own = new Client(first.address, { timeoutMs: 60000 });
  await own.waitUntilLearnt(await own.write(twoTastes()));
  assert.equal(await first.stop(), 0);
  const answer = own.recommend('u1', { k: 3 });
  const second = await Daemon.start(data, first.port);
  assert.equal((await answer).items.length, 3);
  own.close();
  assert.equal(await second.stop(), 0);
});

test('a stream gives up', async () => {
  const doomed = await Daemon.start(directory());
  const own = new Client(doomed.address);
  const stream = own.ingest('gives up', { giveUpAfterMs: 300 });
  await stream.send([{ user: 'u1', item: 'i1' }]);
  await stream.flush();
  await doomed.kill();
  await stream.send([{ user: 'u1', item: 'i2' }]).catch(() => {});
  await assert.rejects(stream.close(), { code: 'UNAVAILABLE' });
  own.close();
});
