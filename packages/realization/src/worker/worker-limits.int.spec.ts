import { internalsOf, statementsOf } from '@intendant/core/internal';
import { eventually } from '@intendant/devdb/testing';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { createRealization } from '../realization.ts';
import type { RealizationSession } from '../session/realization-session.ts';
import { type Fixture, openFixture, pepsi, ROLES, vm } from '../testing/fixture.ts';
import { serviceQuery } from '../testing/service-query.ts';
import { gate } from '../testing/waiting.ts';
import { Workers } from '../testing/workers.ts';
import type { AttemptAborted } from './attempt.ts';
import { TerminalError } from './terminal-error.ts';

let fixture: Fixture;
let r: RealizationSession;
let workers: Workers;
beforeAll(async () => {
  fixture = await openFixture();
  r = fixture.realization.as(pepsi);
  workers = new Workers(fixture.realization);
});
afterEach(async () => {
  await workers.stop();
  await fixture.empty();
});
afterAll(() => fixture[Symbol.asyncDispose]());

const LIMIT = { timeoutMs: 20_000 };
const persist = async (id: string) =>
  (await r.persistIntent(vm, { id, name: 'one' }, { enforcementPoints: ['E1'] })).record;
const persistMany = (count: number) => Promise.all(Array.from({ length: count }, (_, index) => persist(`VM${index}`)));
const untilStatus = (id: string, status: 'REALIZED' | 'ERROR', revision = 1) =>
  r.waitFor(vm, id, { status, revision, ...LIMIT });
const detailsOf = async (id: string) =>
  (await r.getOverallStatusWithEnforcementDetails(vm, id)).enforcement.get('E1')?.additionalDetails;
const query = (text: string) => serviceQuery(fixture.store, text);

/** Rejects as soon as its signal aborts, as handlers should. */
const obedient = (signal: AbortSignal): Promise<never> =>
  new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));

test('at most `concurrency` attempts run at a time', async () => {
  let running = 0;
  let most = 0;
  let done = 0;
  const threeRun = gate();
  await persistMany(20);
  await workers.work(
    'E1',
    {
      realize: async () => {
        most = Math.max(most, ++running);
        if (running === 3) threeRun.open();
        await threeRun.opened;
        await new Promise(setImmediate);
        running--;
        done++;
      },
    },
    { concurrency: 3 },
  );
  await eventually(() => expect(done).toBe(20), LIMIT);
  expect(most).toBe(3);
});

test('without a feed a worker still gets intents, due retries and newer revisions', async () => {
  await using deaf = await createRealization({ store: fixture.store, subscriptions: undefined });
  await deaf.register([vm], { roles: ROLES });
  const deafWorkers = new Workers(deaf);
  const attempts: string[] = [];
  await deafWorkers.work(
    'E1',
    {
      realize: async ({ revision, attempt }, { signal }) => {
        attempts.push(`${revision}.${attempt}`);
        if (attempt === 1 && revision === 1) throw new Error('no capacity');
        if (revision === 1) await obedient(signal);
      },
    },
    { abortOnNewerRevision: true },
  );
  const record = await persist('VM1');
  await eventually(() => expect(attempts).toEqual(['1.1', '1.2']), LIMIT);
  await r.persistIntent(vm, record);
  await untilStatus('VM1', 'REALIZED', 2);
  expect(attempts).toEqual(['1.1', '1.2', expect.stringMatching(/^2/)]);
  await deafWorkers.stop();
});

test('attempts that end together are marked together', async () => {
  const { executor } = internalsOf(fixture.store);
  const run = executor.run.bind(executor);
  let reports = 0;
  executor.run = (scope, statements, options) => {
    if (statementsOf(statements).some(({ name }) => name === 'mark-finished')) reports++;
    return run(scope, statements, options);
  };
  await persistMany(100);
  await workers.work('E1', {}, { concurrency: 50 });
  for (let index = 0; index < 100; index++) await untilStatus(`VM${index}`, 'REALIZED');
  executor.run = run;
  expect(reports).toBeLessThan(20);
});

test('a handler that never returns is abandoned, and its resource is retried', async () => {
  const attempts: number[] = [];
  await workers.work(
    'E1',
    {
      realize: ({ attempt }) => {
        attempts.push(attempt);
        return attempt === 1 ? new Promise(() => {}) : Promise.resolve();
      },
    },
    { attemptTimeoutMs: 50, abandonAfterMs: 50 },
  );
  await persist('VM1');
  await untilStatus('VM1', 'REALIZED');
  expect(attempts).toEqual([1, 2]);
});

test('handlers that never return do not use up the worker for good', async () => {
  const hung = new Set<string>();
  await workers.work(
    'E1',
    {
      realize: ({ record, attempt }) => {
        if (attempt > 1) return Promise.resolve();
        hung.add(record.id);
        return new Promise(() => {});
      },
    },
    { concurrency: 2, attemptTimeoutMs: 50, abandonAfterMs: 20 },
  );
  await persistMany(6);
  for (let index = 0; index < 6; index++) await untilStatus(`VM${index}`, 'REALIZED');
  expect(hung.size).toBe(6);
});

test('an attempt is aborted when a newer revision arrives, if that is wanted, and the newer one is realized', async () => {
  const reasons: unknown[] = [];
  const started = gate();
  await workers.work(
    'E1',
    {
      realize: async ({ revision }, { signal }) => {
        if (revision > 1) return;
        started.open();
        await obedient(signal).finally(() => reasons.push((signal.reason as AttemptAborted).reason));
      },
    },
    { abortOnNewerRevision: true },
  );
  const record = await persist('VM1');
  await started.opened;
  await r.persistIntent(vm, record);
  await untilStatus('VM1', 'REALIZED', 2);
  expect(reasons).toEqual(['newer-revision']);
  expect(await detailsOf('VM1')).toBe('');
});

test('an attempt goes on when only others’ revisions arrive', async () => {
  const started = gate();
  const held = gate();
  const aborted: unknown[] = [];
  await workers.work(
    'E1',
    {
      realize: async ({ record }, { signal }) => {
        if (record.id !== 'VM1') return;
        signal.addEventListener('abort', () => aborted.push(signal.reason));
        started.open();
        await held.opened;
      },
    },
    { abortOnNewerRevision: true },
  );
  await persist('VM1');
  await started.opened;
  await persist('VM2');
  await untilStatus('VM2', 'REALIZED');
  held.open();
  await untilStatus('VM1', 'REALIZED');
  expect(aborted).toEqual([]);
});

test('at most as many attempts begin in a time as the rate limit allows', async () => {
  const begun: number[] = [];
  await persistMany(12);
  const startedAt = performance.now();
  await workers.work(
    'E1',
    { realize: async () => void begun.push(performance.now()) },
    { rateLimit: { attempts: 4, intervalMs: 200 } },
  );
  await eventually(() => expect(begun).toHaveLength(12), LIMIT);
  // Four may begin at once, and then one each 50 ms. A busy machine only makes it later.
  expect(Math.max(...begun) - startedAt).toBeGreaterThan(399);
});

test('a point that is down is paused, and waiting jobs use up no attempts', async () => {
  let isDown = true;
  let attempts = 0;
  await persistMany(20);
  await workers.work(
    'E1',
    {
      realize: async () => {
        attempts++;
        if (isDown) throw new Error('connection refused');
      },
    },
    { concurrency: 1, circuitBreaker: { failures: 3, pauseMs: 300 } },
  );
  await eventually(() => expect(attempts).toBe(3), LIMIT);
  await eventually(async () => {
    const { rows } = await query("select count(*)::int as tried from intendant_jobs.job where state = 'retry'");
    expect(rows[0].tried).toBe(3);
  }, LIMIT);
  isDown = false;
  for (let index = 0; index < 20; index++) await untilStatus(`VM${index}`, 'REALIZED');
  expect(attempts).toBe(23);
});

test('failures caused by resources do not open the circuit', async () => {
  let attempts = 0;
  await persistMany(6);
  await workers.work(
    'E1',
    {
      realize: async () => {
        attempts++;
        throw new TerminalError('no such image');
      },
    },
    { concurrency: 1, circuitBreaker: { failures: 2, pauseMs: 600_000 } },
  );
  await eventually(() => expect(attempts).toBe(6), LIMIT);
});

test('a worker whose lease lapsed does not begin the same resource a second time while the first attempt runs', async () => {
  const held = gate();
  const started = gate();
  let running = 0;
  let most = 0;
  let isFirst = true;
  await workers.work('E1', {
    realize: async ({ record }) => {
      if (record.id !== 'VM1') return;
      most = Math.max(most, ++running);
      if (isFirst) {
        isFirst = false;
        started.open();
        await held.opened;
      }
      running--;
    },
  });
  await persist('VM1');
  await started.opened;
  // As a lease keeper elsewhere frees a job whose worker fell silent.
  await query("update intendant_jobs.job set state = 'retry', heartbeat_on = null where state = 'active'");
  await persist('VM2');
  await untilStatus('VM2', 'REALIZED');
  await eventually(async () => {
    const { rows } = await query("select retry_count from intendant_jobs.job where singleton_key = 'Pepsi/VM1'");
    expect(rows[0]?.retry_count).toBeGreaterThan(0);
  }, LIMIT);
  held.open();
  await untilStatus('VM1', 'REALIZED');
  expect(most).toBe(1);
});

test('a worker may be started and stopped at once, from several places', async () => {
  const worker = workers.make({
    enforcementPoint: 'E1',
    handlers: [{ table: vm, handlers: { realize: async () => {} } }],
  });
  await Promise.all([worker.start(), worker.start(), worker.stop(), worker.stop(), worker.start()]);
  await persist('VM1');
  await untilStatus('VM1', 'REALIZED');
  await Promise.all([worker.stop(), worker.start(), worker.stop()]);
  await persist('VM2');
  expect((await r.getOverallStatusWithEnforcementDetails(vm, 'VM2')).overall.status).toBe('PENDING');
});

test('a worker for an unregistered table does not start, and may be stopped', async () => {
  const worker = workers.make({
    enforcementPoint: 'E1',
    handlers: [{ table: { ...vm, name: 'unknown' }, handlers: { realize: async () => {} } }],
  });
  await expect(async () => worker.start()).rejects.toMatchObject({ code: 'TABLE_NOT_REGISTERED' });
  await worker.stop();
});

test('a job for a resource that was removed, or never existed, is completed', async () => {
  const calls: string[] = [];
  await workers.work('E1', { unrealize: async ({ key }) => void calls.push(JSON.stringify(key)) });
  await query(
    "select intendant.enqueue_jobs('public', 'vm', array['E1'], array['[\"Pepsi\", \"ghost\"]'::jsonb], array['Pepsi'], 0)",
  );
  await eventually(async () => {
    const { rows } = await query('select count(*)::int as jobs from intendant_jobs.job');
    expect(rows[0].jobs).toBe(0);
  }, LIMIT);
  expect(calls).toEqual(['{"id":"ghost"}']);
});
