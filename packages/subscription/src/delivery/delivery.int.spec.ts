import { eventually } from '@intendant/devdb/testing';
import { pino } from 'pino';
import { afterAll, expect, test } from 'vitest';
import type { Change } from '../change.ts';
import { coke, note, openFixture } from '../testing/fixture.ts';
import { HOSTILE_PROMISES, HOSTILE_VALUES } from '../testing/hostile-values.ts';

const lines: { level: number; msg: string }[] = [];
const logger = pino({ level: 'warn' }, { write: (line) => void lines.push(JSON.parse(line)) });
const fixture = await openFixture({ logger });
const { subscriptions, admin, another, writeNotes, writeTrimmedNote } = fixture;
afterAll(() => fixture[Symbol.asyncDispose]());

const bulk = (prefix: string, count: number) =>
  admin.query(`insert into note (org_id, id, size) select 'Coke', $1 || n, n from generate_series(1, $2) n`, [
    prefix,
    count,
  ]);

test('with concurrency several rows are handled at a time, and each row in order', async () => {
  const underWay = new Set<unknown>();
  const revisions = new Map<unknown, number[]>();
  let most = 0;
  const subscription = await subscriptions.subscribe(
    'note',
    async ({ key, revision }) => {
      const { id } = key;
      expect(underWay.has(id)).toBe(false);
      underWay.add(id);
      most = Math.max(most, underWay.size);
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 4));
      revisions.set(id, [...(revisions.get(id) ?? []), revision as number]);
      underWay.delete(id);
    },
    { concurrency: 8 },
  );
  await bulk('c', 20);
  for (let round = 0; round < 4; round++) await admin.query(`update note set size = 0 where id ~ '^c[0-9]'`);
  await eventually(() => expect([...revisions.values()].flat()).toHaveLength(100));
  expect([...revisions.values()].every((list) => list.join() === '1,2,3,4,5')).toBe(true);
  expect(most).toBeGreaterThan(2);
  expect(most).toBeLessThanOrEqual(8);
  expect(subscription.stats()).toMatchObject({ failedCalls: 0, delivered: 100 });
  await subscription.close();
});

test('batches contain the available changes, in order, up to their size', async () => {
  const batches: string[][] = [];
  const subscription = await subscriptions.subscribeBatches(
    note,
    (changes) => {
      batches.push(changes.map(({ record }) => String(record?.size)));
    },
    { batchSize: 10 },
  );
  await bulk('b', 35);
  await eventually(() => expect(batches.flat()).toHaveLength(35));
  expect(batches.flat()).toEqual(Array.from({ length: 35 }, (_, index) => String(index + 1)));
  expect(Math.max(...batches.map(({ length }) => length))).toBe(10);
  await subscription.close();
});

test('a handler that never returns keeps a bounded number of changes in memory', async () => {
  const release = Promise.withResolvers<void>();
  const subscription = await subscriptions.subscribe('note', () => release.promise, { maxBuffered: 50 });
  await bulk('slow', 5_000);
  await eventually(() => expect(subscription.stats().buffered).toBeGreaterThan(0));
  expect(await subscription.lag()).toBe(5_000);
  await writeNotes('slow-last');
  expect(subscription.stats().buffered).toBeLessThanOrEqual(1_050);
  release.resolve();
  await eventually(async () => expect(await subscription.lag()).toBe(0));
  await subscription.close();
});

test('a call that hangs counts as failed, its signal aborts, and its late return changes nothing', async () => {
  const calls: number[] = [];
  const late = Promise.withResolvers<void>();
  let wasAborted = false;
  const subscription = await subscriptions.subscribe(
    'note',
    async (_, { attempt, signal }) => {
      calls.push(attempt);
      if (attempt > 1) return;
      signal.addEventListener('abort', () => {
        wasAborted = true;
      });
      await late.promise;
    },
    { handlerTimeoutMs: 100, backoffMs: 1 },
  );
  await writeNotes('hangs');
  await eventually(() => expect(calls).toEqual([1, 2]));
  expect(wasAborted).toBe(true);
  late.resolve();
  await eventually(() => expect(lines.map(({ msg }) => msg).join()).toContain('returned after its time'));
  expect(subscription.stats()).toMatchObject({ delivered: 1, failedCalls: 1 });
  await subscription.close();
});

test('while paused no change is delivered; after resume all are', async () => {
  const seen: Change[] = [];
  const subscription = await subscriptions.subscribe('note', (change) => seen.push(change));
  subscription.pause();
  await writeNotes('p1', 'p2');
  await eventually(async () => expect(await subscription.lag()).toBe(2));
  expect(seen).toEqual([]);
  expect(subscription.stats().isPaused).toBe(true);
  subscription.resume();
  await eventually(() => expect(seen).toHaveLength(2));
  await subscription.close();
});

test('closing waits for the running call and starts no other', async () => {
  const began = Promise.withResolvers<void>();
  const finish = Promise.withResolvers<void>();
  const done: string[] = [];
  const subscription = await subscriptions.subscribe('note', async ({ key }) => {
    began.resolve();
    await finish.promise;
    done.push(String(key['id']));
  });
  await bulk('closing', 3);
  await began.promise;
  const closed = subscription.close();
  finish.resolve();
  await closed;
  expect(done).toEqual(['closing1']);
});

test('a signal ends a subscription', async () => {
  const stop = new AbortController();
  const seen: Change[] = [];
  await subscriptions.subscribe('note', (change) => seen.push(change), { signal: stop.signal });
  await writeNotes('s1');
  await eventually(() => expect(seen).toHaveLength(1));
  stop.abort();
  await eventually(() => expect(subscriptions.stats().subscriptions).toEqual([]));
});

test('if a handler throws a value of any kind, the change becomes a dead letter with a text, and the next one is delivered', async () => {
  const values = Object.entries(HOSTILE_VALUES);
  const calls = new Map<string, number>();
  const handler = (id: string, isLate: boolean) => {
    calls.set(id, (calls.get(id) ?? 0) + 1);
    const value = HOSTILE_VALUES[id];
    if (isLate) return Promise.reject(value);
    throw value;
  };
  const options = { name: 'hostile', maxAttempts: 2, backoffMs: 1, concurrency: 4 };
  const subscription = await subscriptions.subscribe('note', ({ key }) => handler(String(key['id']), true), options);
  const batches = await subscriptions.subscribeBatches(
    'note',
    ([change]) => handler(String(change?.key['id']), false),
    { ...options, name: 'hostile batches', batchSize: 3 },
  );
  const session = fixture.store.as(coke);
  for (const [id] of values) await session.insert(note, { id, size: 1n });
  const letters = async () => [
    await subscriptions.deadLetters('hostile'),
    await subscriptions.deadLetters('hostile batches'),
  ];
  await eventually(async () =>
    expect((await letters()).map(({ length }) => length)).toEqual([values.length, values.length]),
  );
  for (const { error } of (await letters()).flat()) expect(error).toMatch(/\S/);
  const errorOf = (id: string) => letters().then(([all]) => all?.find(({ change }) => change.key['id'] === id)?.error);
  expect(await errorOf('an error whose message is an array')).toContain("'a', 'b'");
  expect(await errorOf('text that Postgres does not store')).toBe('zero \ufffd and half \ufffd');
  await Promise.all([subscription.close(), batches.close()]);
});

test('whatever a handler returns in place of a promise counts as failed', async () => {
  const names = Object.keys(HOSTILE_PROMISES);
  const options = { name: 'hostile promises', maxAttempts: 1, handlerTimeoutMs: 2_000 };
  const subscription = await subscriptions.subscribe(
    'note',
    ({ key }) => HOSTILE_PROMISES[String(key['id'])]?.(),
    options,
  );
  const session = fixture.store.as(coke);
  for (const id of names) await session.upsert(note, { id, size: 1n });
  await eventually(async () =>
    expect((await subscriptions.deadLetters('hostile promises')).map(({ error }) => error)).toEqual(
      names.map(() => 'not to be looked at'),
    ),
  );
  await subscription.close();
});

test('an error of any kind thrown by onReset, onError, a listener or a loop body stops nothing else', async () => {
  const values = Object.values(HOSTILE_VALUES);
  const mirror = await subscriptions.mirror(note, {
    onChange: () => {
      throw values[3];
    },
  });
  for (const value of values) {
    mirror.on('change', () => Promise.reject(value));
    mirror.on('change', () => {
      throw value;
    });
  }
  const from = subscriptions.stats().settled;
  const loop = (async () => {
    for await (const _ of subscriptions.changes(note, { from })) throw values[9];
  })();
  const ended = expect(loop).rejects.toBe(values[9]);
  await writeNotes('before');
  await ended;
  await eventually(() => expect(mirror.get('before')).toBeDefined());
  await mirror.close();
  await (await subscriptions.subscribe('note', () => {}, { name: 'resets' })).close();
  await writeTrimmedNote('trimmed');
  const left = [...values];
  const seen: unknown[] = [];
  const subscription = await (await another()).subscribe('note', ({ key }) => seen.push(key['id']), {
    name: 'resets',
    onReset: () => {
      if (left.length > 6) throw left.pop();
    },
    onError: () => {
      throw values[9];
    },
  });
  await writeNotes('after');
  await eventually(() => expect(seen).toEqual(['after']));
  await subscriptions.forget('resets', { force: true });
  await expect(subscription.closed).rejects.toThrow(/"resets" was removed/);
});

test('limits of any length work: a call with a limit of three months has not failed after a moment', async () => {
  const seen: unknown[] = [];
  for (const handlerTimeoutMs of [2 ** 31, 2 ** 33, Number.MAX_SAFE_INTEGER, Number.POSITIVE_INFINITY]) {
    const subscription = await subscriptions.subscribe(
      'note',
      async ({ key }, { signal }) => {
        await new Promise(setImmediate);
        if (key['id'] === `limit ${handlerTimeoutMs}`) seen.push(signal.aborted);
      },
      { handlerTimeoutMs },
    );
    await writeNotes(`limit ${handlerTimeoutMs}`);
    await eventually(() => expect(seen).toEqual([false]));
    expect(subscription.stats()).toMatchObject({ failedCalls: 0 });
    seen.length = 0;
    await subscription.close();
  }
});

test('a long backoff is not shortened, and ends at close', async () => {
  let calls = 0;
  const subscription = await subscriptions.subscribe(
    'note',
    () => {
      calls++;
      throw new Error('no');
    },
    { backoffMs: 2 ** 33, maxBackoffMs: Number.MAX_SAFE_INTEGER },
  );
  await writeNotes('long backoff', 'behind it');
  await eventually(() => expect(calls).toBe(1));
  await new Promise(setImmediate);
  expect(calls).toBe(1);
  await subscription.close();
});
