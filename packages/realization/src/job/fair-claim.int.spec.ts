import { internalsOf } from '@intendant/core/internal';
import { atScale } from '@intendant/devdb/testing';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { type Fixture, openFixture } from '../testing/fixture.ts';
import { serviceQuery } from '../testing/service-query.ts';
import { JobQueue } from './job-queue.ts';

let fixture: Fixture;
let queue: JobQueue;
beforeAll(async () => {
  fixture = await openFixture();
  queue = new JobQueue(internalsOf(fixture.store));
});
afterEach(() => fixture.empty());
afterAll(() => fixture[Symbol.asyncDispose]());

const NAME = 'public/vm/E1';
const BACKGROUND = -1000;
const BACKLOG = atScale(5_000, 100_000);
const query = (text: string, values: unknown[] = []) => serviceQuery(fixture.store, text, values);

/** Jobs for resources `<tenant>-1` and on. */
const fill = (tenant: string, count: number, priority = 0) =>
  query(
    `select intendant.enqueue_jobs('public', 'vm', array_agg('E1'::text), array_agg(jsonb_build_array($1::text, $1 || '-' || i)),
       array_agg($1::text), $3)
     from generate_series(1, $2::integer) as i`,
    [tenant, count, priority],
  );

async function claim(limit: number, afterTenant: string | null = null, isBackgroundFirst = false): Promise<string[]> {
  const jobs = await queue.claim(NAME, { limit, afterTenant, isBackgroundFirst });
  return jobs.map(({ tenant }) => tenant);
}

const countOf = (tenants: readonly string[]): Record<string, number> =>
  Object.fromEntries(
    Object.entries(Object.groupBy(tenants, (tenant) => tenant)).map(([name, of]) => [name, of?.length ?? 0]),
  );

/** What one claim after the other takes, each going on after the tenant that the last one ended with. */
async function claimInTurn(times: number, limit: number): Promise<string[]> {
  const taken: string[] = [];
  for (let turn = 0; turn < times; turn++) taken.push(...(await claim(limit, taken.at(-1) ?? null)));
  return taken;
}

test('a tenant’s one job is in the next claim, however many jobs another has waiting', async () => {
  await fill('noisy', BACKLOG);
  await fill('quiet', 1);
  expect(countOf(await claim(16))).toEqual({ noisy: 15, quiet: 1 });
});

test('with room for one at a time the tenants take turns', async () => {
  for (const tenant of ['a', 'b', 'c']) await fill(tenant, 10);
  expect(await claimInTurn(6, 1)).toEqual(['a', 'b', 'c', 'a', 'b', 'c']);
});

test('more tenants than there is room for all get their turn', async () => {
  for (let tenant = 10; tenant < 40; tenant++) await fill(`t${tenant}`, 5);
  const taken = countOf(await claimInTurn(10, 9));
  expect(Object.keys(taken)).toHaveLength(30);
  expect(new Set(Object.values(taken))).toEqual(new Set([3]));
});

test('unused shares of some tenants go to tenants with more jobs', async () => {
  await fill('few', 2);
  await fill('many', 100);
  await fill('more', 100);
  expect(countOf(await claim(30))).toEqual({ few: 2, many: 14, more: 14 });
  await fill('one', 1);
  expect(countOf(await claim(500))).toEqual({ one: 1, many: 86, more: 86 });
});

test('tenants whose jobs all wait for a retry do not delay other tenants', async () => {
  for (let tenant = 10; tenant < 60; tenant++) await fill(`waits${tenant}`, 2);
  await query("update intendant_jobs.job set start_after = now() + interval '1 hour'");
  await fill('a-first', 3);
  await fill('z-last', 3);
  expect(countOf(await claim(4, 'waits30'))).toEqual({ 'a-first': 2, 'z-last': 2 });
  expect(countOf(await claim(4, 'zz'))).toEqual({ 'a-first': 1, 'z-last': 1 });
  expect(await claim(4)).toEqual([]);
});

test('background work gets the room that intents leave', async () => {
  await fill('a', 100, BACKGROUND);
  await fill('b', 3);
  expect(countOf(await claim(10))).toEqual({ a: 7, b: 3 });
});

test('background work does not starve: what has waited for a minute goes first in a claim that favours it', async () => {
  await fill('a', 5, BACKGROUND);
  await fill('b', 100);
  expect(countOf(await claim(10, null, true))).toEqual({ b: 10 });
  await query("update intendant_jobs.job set start_after = now() - interval '2 minutes' where priority < 0");
  expect(countOf(await claim(10))).toEqual({ b: 10 });
  expect(countOf(await claim(10, null, true))).toEqual({ a: 5, b: 5 });
});

test('of one resource no job is claimed while one runs, and the one to be retried goes before a new one', async () => {
  await fill('a', 1);
  const [first] = await queue.claim(NAME, { limit: 10, afterTenant: null, isBackgroundFirst: false });
  await fill('a', 1);
  expect(await claim(10)).toEqual([]);
  await query("update intendant_jobs.job set state = 'retry' where state = 'active'");
  const [again, ...others] = await queue.claim(NAME, { limit: 10, afterTenant: null, isBackgroundFirst: false });
  expect(others).toEqual([]);
  expect([again?.id, again?.retryCount]).toEqual([first?.id, 1]);
});

test('a new job does not wait for one that is to be retried later', async () => {
  await fill('a', 1);
  await claim(1);
  await query("update intendant_jobs.job set state = 'retry', start_after = now() + interval '1 hour'");
  await fill('a', 1);
  expect(await claim(10)).toEqual(['a']);
});

test('claims that race take each job once', async () => {
  for (const tenant of ['a', 'b', 'c']) await fill(tenant, 100);
  const claimed = new Set<string>();
  let taken = 0;
  const claimer = async () => {
    for (let turn = 0; turn < 20; turn++) {
      const jobs = await queue.claim(NAME, { limit: 10, afterTenant: null, isBackgroundFirst: false });
      taken += jobs.length;
      for (const { id } of jobs) claimed.add(id);
    }
  };
  await Promise.all(Array.from({ length: 4 }, claimer));
  expect(claimed.size).toBe(taken);
  expect(taken).toBe(300);
});
