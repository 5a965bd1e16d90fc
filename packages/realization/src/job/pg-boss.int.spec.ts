import { eventually } from '@intendant/devdb/testing';
import type { PgBoss } from 'pg-boss';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { on, type RealizationSession, TerminalError, type WorkerOptions } from '../index.ts';
import { type Fixture, openFixture, pepsi, vm } from '../testing/fixture.ts';
import { serviceQuery } from '../testing/service-query.ts';
import { type VmHandlers, Workers } from '../testing/workers.ts';
import { queueName } from './job-key.ts';
import { pgBossOn } from './pg-boss.ts';

/* What a user of pg-boss' public API, and with it pg-boss' dashboard, sees of our queues and does to them. */

const QUEUE = queueName('public', 'vm', 'E1');

let fixture: Fixture;
let workers: Workers;
let r: RealizationSession;
let boss: PgBoss;
beforeAll(async () => {
  fixture = await openFixture({ maintenance: false });
  workers = new Workers(fixture.realization);
  r = fixture.realization.as(pepsi);
  boss = pgBossOn((text, values) => serviceQuery(fixture.store, text, values));
  await boss.start();
});
afterEach(async () => {
  await workers.stop();
  await fixture.empty();
});
afterAll(async () => {
  await boss?.stop({ graceful: false, close: false });
  await fixture?.[Symbol.asyncDispose]();
});

const make = (realize: NonNullable<VmHandlers['realize']>, options: Partial<WorkerOptions> = {}) =>
  workers.make({ enforcementPoint: 'E1', handlers: [on(vm, { realize })], ...options });
const persist = (id: string) => r.persistIntent(vm, { id, name: 'one' }, { enforcementPoints: ['E1'] });
const statusOf = (id: string) => r.getOverallStatus(vm, id);
const onlyJob = async () => {
  const jobs = await boss.findJobs(QUEUE);
  expect(jobs).toHaveLength(1);
  return jobs[0] as (typeof jobs)[number];
};
/** Of a job that waits for its next attempt. */
const makeDue = () => serviceQuery(fixture.store, 'update intendant_jobs.job_common set start_after = now()');

test('maintenance stores the counts that the dashboard shows, and what getQueueStats returns', async () => {
  for (const id of ['VM1', 'VM2', 'VM3']) await persist(id);
  expect(await boss.getQueue(QUEUE)).toMatchObject({ queuedCount: 0, totalCount: 0 });
  fixture.realization.maintenance.start();
  await eventually(async () => expect(await boss.getQueue(QUEUE)).toMatchObject({ queuedCount: 3, totalCount: 3 }));
  await fixture.realization.maintenance.stop();
  expect(await boss.getQueueStats(QUEUE)).toMatchObject([{ queuedCount: 3, activeCount: 0, failedCount: 0 }]);
});

test('findJobs finds the job of a resource by its key, with the retries that a worker makes', async () => {
  await persist('VM1');
  await persist('VM2');
  const found = await boss.findJobs(QUEUE, { key: 'Pepsi/VM2' });
  expect(found).toMatchObject([
    { data: { identity: ['Pepsi', 'VM2'] }, state: 'created', retryCount: 0, retryLimit: 19, groupId: 'Pepsi' },
  ]);
});

test('a job shows the retry limit of the worker that failed', async () => {
  const worker = make(
    async () => {
      throw new Error('no room');
    },
    { retry: { limit: 5 } },
  );
  await persist('VM1');
  await worker.drain();
  expect(await onlyJob()).toMatchObject({
    state: 'retry',
    retryLimit: 4,
    output: { message: 'no room (attempt 1 of 5)' },
  });
});

test('retry makes a failed job run again', async () => {
  let isBroken = true;
  const worker = make(async () => {
    if (isBroken) throw new TerminalError('no such region');
  });
  await persist('VM1');
  await worker.drain();
  const job = await onlyJob();
  expect(job).toMatchObject({ state: 'failed' });
  expect(await statusOf('VM1')).toBe('ERROR');
  isBroken = false;
  expect(await boss.retry(QUEUE, job.id)).toMatchObject({ affected: 1 });
  await makeDue();
  expect(await worker.drain()).toMatchObject([{ outcome: 'done' }]);
  expect(await statusOf('VM1')).toBe('REALIZED');
});

test('a cancelled job does not run, and the next intent adds another', async () => {
  const worker = make(async () => {});
  const { record } = await persist('VM1');
  expect(await boss.cancel(QUEUE, (await onlyJob()).id)).toMatchObject({ affected: 1 });
  expect(await worker.drain()).toEqual([]);
  expect(await statusOf('VM1')).toBe('PENDING');
  await r.persistIntent(vm, { ...record, name: 'two' }, { enforcementPoints: ['E1'] });
  expect(await worker.drain()).toMatchObject([{ revision: 2, outcome: 'done' }]);
  expect(await statusOf('VM1')).toBe('REALIZED');
});

test('jobs that were sent with data of another form are cancelled, and do not stop the jobs of resources', async () => {
  const worker = make(async () => {});
  const sent = [
    null,
    {},
    { identity: 'Pepsi' },
    { identity: ['Pepsi'] },
    { identity: [null, null] },
    { identity: ['', ''] },
  ];
  await persist('VM1');
  for (const [index, data] of sent.entries()) await boss.send(QUEUE, data, { singletonKey: `sent ${index}` });
  expect(await worker.drain()).toMatchObject([{ key: { id: 'VM1' }, outcome: 'done' }]);
  expect((await boss.findJobs(QUEUE)).map(({ state }) => state)).toEqual(sent.map(() => 'cancelled'));
});

test('a job without a key is taken over while another one waits', async () => {
  const worker = make(async () => {}, { leaseMs: 100 });
  await persist('VM1');
  await worker.drain();
  const send = async () => {
    await boss.send(QUEUE, { identity: ['Pepsi', 'VM1'] });
    const [fetched] = await boss.fetch(QUEUE);
    return fetched?.id as string;
  };
  await boss.fail(QUEUE, await send());
  await send();
  await worker.drain({ timeoutMs: 20_000 });
  expect((await boss.findJobs(QUEUE)).filter(({ state }) => state === 'active')).toEqual([]);
});

test('pg-boss finds nothing missing or changed in its schema', async () => {
  const { ok, missingTables, missing, mismatchedFunctions } = await boss.detectSchemaDrift();
  expect({ ok, missingTables, missing, mismatchedFunctions }).toEqual({
    ok: true,
    missingTables: [],
    missing: [],
    mismatchedFunctions: [],
  });
});

test('maintenance deletes jobs that failed a week ago', async () => {
  const worker = make(async () => {
    throw new TerminalError('no');
  });
  await persist('VM1');
  await worker.drain();
  await serviceQuery(fixture.store, `update intendant_jobs.job_common set completed_on = now() - interval '8 days'`);
  await serviceQuery(fixture.store, 'update intendant_jobs.queue set maintain_on = null, monitor_claim_on = null');
  fixture.realization.maintenance.start();
  await eventually(async () => expect(await boss.findJobs(QUEUE)).toEqual([]));
  await fixture.realization.maintenance.stop();
});
