import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { atScale, eventually, isSoak } from '@intendant/devdb/testing';
import { afterAll, expect, test } from 'vitest';
import { openFixture } from './testing/fixture.ts';

/** Changes, and how many of them stand in the log at a time. */
const CHANGES = atScale(15_000, 2_000_000);
const BACKLOG = atScale(5_000, 200_000);
const MAX_GROWTH_BYTES = 12 * 1024 * 1024;

const fixture = await openFixture();
const { subscriptions, admin } = fixture;
afterAll(() => fixture[Symbol.asyncDispose]());

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;
const heapUsed = (): number => {
  collectGarbage();
  return process.memoryUsage().heapUsed;
};

/** As many changes as from a table's trigger, without the table. */
const append = (count: number) =>
  admin.query(
    `insert into intendant.change_log (table_name, operation, key, org_id, revision)
     select 'public.effect', 'u', array['row' || n % 1000], 'Coke', n from generate_series(1, $1::int) n`,
    [count],
  );

test('a subscriber that has seen many changes holds no more memory than one that has seen a few', async () => {
  let [plain, durable] = [0, 0];
  await using one = await subscriptions.subscribe('effect', () => plain++);
  await using other = await subscriptions.subscribe('effect', async () => durable++, {
    name: 'memory',
    concurrency: 4,
  });
  const began = performance.now();
  const samples: number[] = [];
  for (let written = 0; written < CHANGES; written += BACKLOG) {
    await append(BACKLOG);
    await eventually(() => expect(Math.min(plain, durable)).toBe(written + BACKLOG), { timeoutMs: 300_000 });
    samples.push(heapUsed());
  }
  const [first, last] = [samples[0] as number, samples.at(-1) as number];
  if (isSoak) {
    const megabytes = samples.map((bytes) => Math.round(bytes / 1024 / 1024)).join(' ');
    console.log({
      changes: CHANGES,
      seconds: Math.round((performance.now() - began) / 1_000),
      heapMegabytes: megabytes,
    });
  }
  expect(last - first).toBeLessThan(MAX_GROWTH_BYTES);
  expect([one.stats().buffered, other.stats().buffered]).toEqual([0, 0]);
});
