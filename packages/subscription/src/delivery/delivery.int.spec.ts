import { eventually } from '@intendant/devdb/testing';
import { pino } from 'pino';
import { afterAll, expect, test } from 'vitest';
import type { Change } from '../change.ts';
import { note, openFixture } from '../testing/fixture.ts';

const lines: { level: number; msg: string }[] = [];
const logger = pino({ level: 'warn' }, { write: (line) => void lines.push(JSON.parse(line)) });
const fixture = await openFixture({ logger });
const { subscriptions, admin, writeNotes } = fixture;
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
  await eventually(() => expect([...revisions.values()].flat()).toHaveLength(100), { timeoutMs: 15_000 });
  expect([...revisions.values()].every((list) => list.join() === '1,2,3,4,5')).toBe(true);
  expect(most).toBeGreaterThan(2);
  expect(most).toBeLessThanOrEqual(8);
  expect(subscription.stats()).toMatchObject({ failedCalls: 0, delivered: 100 });
  await subscription.close();
});

test('batches hold what is there, in order, up to their size', async () => {
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

test('a handler that does not come to an end holds a bounded number of changes in memory', async () => {
  const release = Promise.withResolvers<void>();
  const subscription = await subscriptions.subscribe('note', () => release.promise, { maxBuffered: 50 });
  await bulk('slow', 5_000);
  await eventually(() => expect(subscription.stats().buffered).toBeGreaterThan(0));
  expect(await subscription.lag()).toBe(5_000);
  await writeNotes('slow-last');
  expect(subscription.stats().buffered).toBeLessThanOrEqual(1_050);
  release.resolve();
  await eventually(async () => expect(await subscription.lag()).toBe(0), { timeoutMs: 15_000 });
  await subscription.close();
});

test('a call that hangs counts as failed, its signal tells it so, and its late return changes nothing', async () => {
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

test('paused, nothing is handed over; resumed, everything is', async () => {
  const seen: Change[] = [];
  const subscription = await subscriptions.subscribe('note', (change) => seen.push(change));
  subscription.pause();
  await writeNotes('p1', 'p2');
  expect(await subscription.lag()).toBe(2);
  expect(seen).toEqual([]);
  expect(subscription.stats().isPaused).toBe(true);
  subscription.resume();
  await eventually(() => expect(seen).toHaveLength(2));
  await subscription.close();
});

test('closing waits for the change under way and begins no other', async () => {
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
