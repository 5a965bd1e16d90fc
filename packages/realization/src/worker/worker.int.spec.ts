import { once } from 'node:events';
import { createDataStore } from '@intendant/core';
import { eventually, tcpProxy } from '@intendant/devdb/testing';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { createRealization } from '../realization.ts';
import type { RealizationSession } from '../session/realization-session.ts';
import { type Fixture, openFixture, pepsi, ROLES, rule, vm } from '../testing/fixture.ts';
import { serviceQuery } from '../testing/service-query.ts';
import { gate } from '../testing/waiting.ts';
import { type VmHandlers, Workers } from '../testing/workers.ts';
import { on } from './handler.ts';
import { TerminalError } from './terminal-error.ts';
import type { WorkerOptions } from './worker-options.ts';

let fixture: Fixture;
let r: RealizationSession;
let workers: Workers;
beforeAll(async () => {
  fixture = await openFixture({ tables: [vm, rule] });
  r = fixture.realization.as(pepsi);
  workers = new Workers(fixture.realization);
});
afterEach(async () => {
  await workers.stop();
  await fixture.empty();
});
afterAll(() => fixture[Symbol.asyncDispose]());

const makeWorker = (options: WorkerOptions) => workers.make(options);
const work = (...of: Parameters<Workers['work']>) => workers.work(...of);

/** Long enough between attempts to see the status in between. */
const SLOW_RETRY = { retry: { limit: 3, minDelayMs: 600, maxDelayMs: 600 } };

/** Patient, for a machine that does much else. */
const soon = <T>(attempt: () => T | Promise<T>): Promise<T> => eventually(attempt, { timeoutMs: 20_000 });

const persist = async (id: string, enforcementPoints = ['E1']) =>
  (await r.persistIntent(vm, { id, name: 'one' }, { enforcementPoints })).record;
const untilStatus = (id: string, status: Parameters<typeof r.waitFor>[2]['status'], revision?: number) =>
  r.waitFor(vm, id, { status, timeoutMs: 20_000, ...(revision !== undefined && { revision }) });
const detailsOf = async (id: string, point = 'E1') =>
  (await r.getOverallStatusWithEnforcementDetails(vm, id)).enforcement.get(point);

async function waitingJobs(): Promise<number> {
  const { rows } = await serviceQuery(
    fixture.store,
    "select count(*)::int as jobs from intendant_jobs.job where state <> 'failed'",
  );
  return rows[0].jobs;
}

test('an intent persisted for two points is REALIZED when both have realized it', async () => {
  const realized: string[] = [];
  await work('E1', { realize: async ({ record }) => void realized.push(`${record.id} at E1`) });
  const record = await persist('P1', ['E1', 'E2']);
  await soon(() => expect(realized).toEqual(['P1 at E1']));
  await soon(async () => expect((await detailsOf('P1'))?.status).toBe('REALIZED'));
  expect(await r.getOverallStatus(vm, 'P1')).toBe('PENDING');
  await work('E2', { realize: async () => void realized.push('P1 at E2') });
  expect(await untilStatus('P1', 'REALIZED', record.revision)).toBe('REALIZED');
  expect(realized).toEqual(['P1 at E1', 'P1 at E2']);
  await soon(async () => expect(await waitingJobs()).toBe(0));
});

test('a handler gets the record, the revision, the attempt and the tenant, and may act for the tenant', async () => {
  const told: unknown[] = [];
  await work('E1', {
    realize: async ({ record, key, revision, attempt, orgId }, { session, signal }) => {
      const seen = await session.findMany(vm, {});
      told.push({
        id: record.id,
        key,
        revision,
        attempt,
        orgId,
        seen: seen.map(({ id }) => id),
        isAborted: signal.aborted,
      });
    },
  });
  await fixture.realization
    .as({ orgId: 'Coke', roles: ['tenant_admin'] })
    .persistIntent(vm, { id: 'other', name: '' }, { enforcementPoints: ['E9'] });
  await persist('VM1');
  await untilStatus('VM1', 'REALIZED');
  expect(told).toEqual([
    { id: 'VM1', key: { id: 'VM1' }, revision: 1, attempt: 1, orgId: 'Pepsi', seen: ['VM1'], isAborted: false },
  ]);
});

test('a resource is created, modified and deleted', async () => {
  const calls: string[] = [];
  await work('E1', {
    realize: async ({ record, revision }) => void calls.push(`realize ${record.name} at ${revision}`),
    unrealize: async ({ record, revision }) => void calls.push(`unrealize ${record.name} at ${revision}`),
  });
  const record = await persist('VM1');
  await untilStatus('VM1', 'REALIZED', 1);
  await r.persistIntent(vm, { ...record, name: 'two' });
  await untilStatus('VM1', 'REALIZED', 2);
  await r.softDelete(vm, 'VM1');
  await untilStatus('VM1', 'DELETION_REALIZED', 3);
  expect(calls).toEqual(['realize one at 1', 'realize two at 2', 'unrealize two at 3']);
});

test('a resource that fails at a point is ERROR with message and attempt, is tried again, and recovers', async () => {
  let failures = 2;
  const attempts: number[] = [];
  await work(
    'E1',
    {
      realize: async ({ attempt }) => {
        attempts.push(attempt);
        if (failures-- > 0) throw new Error('no capacity');
      },
    },
    SLOW_RETRY,
  );
  await persist('VM1');
  await untilStatus('VM1', 'ERROR');
  await untilStatus('VM1', 'REALIZED');
  expect(attempts).toEqual([1, 2, 3]);
  expect(await detailsOf('VM1')).toMatchObject({ status: 'REALIZED', additionalDetails: '' });
});

test('a resource that keeps failing stays ERROR after the last attempt, with what went wrong each time', async () => {
  const attempts: number[] = [];
  await work('E1', {
    realize: async ({ attempt }) => {
      attempts.push(attempt);
      throw new Error('no capacity');
    },
  });
  const record = await persist('VM1');
  await soon(async () =>
    expect((await detailsOf('VM1'))?.additionalDetails).toBe(
      'ERROR no capacity (attempt 3 of 3) at revision 1; ERROR no capacity (attempt 2 of 3) at revision 1; ERROR no capacity (attempt 1 of 3) at revision 1',
    ),
  );
  expect(await r.getOverallStatus(vm, 'VM1')).toBe('ERROR');
  expect(await waitingJobs()).toBe(0);
  expect(attempts).toEqual([1, 2, 3]);
  await r.persistIntent(vm, record);
  await soon(() => expect(attempts).toEqual([1, 2, 3, 1, 2, 3]));
});

test('a terminal error is not retried', async () => {
  const attempts: number[] = [];
  await work('E1', {
    realize: async ({ attempt }) => {
      attempts.push(attempt);
      throw new TerminalError('the image does not exist');
    },
  });
  await persist('VM1');
  await untilStatus('VM1', 'ERROR');
  expect((await detailsOf('VM1'))?.additionalDetails).toBe(
    'ERROR the image does not exist (attempt 1, not to be retried) at revision 1',
  );
  await soon(async () => expect(await waitingJobs()).toBe(0));
  expect(attempts).toEqual([1]);
});

test('a handler that throws a value other than an Error fails its attempt with a readable text', async () => {
  await work('E1', { realize: () => Promise.reject({ status: 503 }) }, { retry: { limit: 1 } });
  await persist('VM1');
  await untilStatus('VM1', 'ERROR');
  expect((await detailsOf('VM1'))?.additionalDetails).toBe('ERROR { status: 503 } (attempt 1 of 1) at revision 1');
});

test('a handler that throws at once instead of rejecting fails its attempt too', async () => {
  await work(
    'E1',
    {
      realize: () => {
        throw new Error('at once');
      },
    },
    { retry: { limit: 1 } },
  );
  await persist('VM1');
  await untilStatus('VM1', 'ERROR');
  expect((await detailsOf('VM1'))?.additionalDetails).toContain('at once');
});

test('a removal that fails is ERROR, and is tried again as a removal', async () => {
  const calls: string[] = [];
  let failures = 1;
  await work(
    'E1',
    {
      realize: async () => void calls.push('realize'),
      unrealize: async () => {
        calls.push('unrealize');
        if (failures-- > 0) throw new Error('still attached');
      },
    },
    SLOW_RETRY,
  );
  await persist('VM1');
  await untilStatus('VM1', 'REALIZED');
  await r.softDelete(vm, 'VM1');
  await untilStatus('VM1', 'ERROR');
  await untilStatus('VM1', 'DELETION_REALIZED');
  expect(calls).toEqual(['realize', 'unrealize', 'unrealize']);
});

test('a point that a resource moved away from removes it, and the status does not wait for that', async () => {
  const calls: string[] = [];
  const held = gate();
  const at = (point: string): VmHandlers => ({
    realize: async () => void calls.push(`realize at ${point}`),
    unrealize: async () => {
      await held.opened;
      calls.push(`unrealize at ${point}`);
    },
  });
  for (const point of ['E1', 'E2']) await work(point, at(point));
  const record = await persist('VM1', ['E1']);
  await untilStatus('VM1', 'REALIZED', 1);
  await r.persistIntent(vm, record, { enforcementPoints: ['E2'] });
  await untilStatus('VM1', 'REALIZED', 2);
  expect(calls).toEqual(['realize at E1', 'realize at E2']);
  held.open();
  await soon(async () => expect((await detailsOf('VM1'))?.status).toBe('DELETION_REALIZED'));
  expect(await r.getOverallStatus(vm, 'VM1')).toBe('REALIZED');
});

test('an intent that arrives while an older one is realized is next: not lost, not at the same time', async () => {
  const steps: string[] = [];
  const started = gate();
  const held = gate();
  await work('E1', {
    realize: async ({ revision }) => {
      steps.push(`start ${revision}`);
      if (revision === 1) {
        started.open();
        await held.opened;
      }
      steps.push(`end ${revision}`);
    },
  });
  const record = await persist('VM1');
  await started.opened;
  const second = (await r.persistIntent(vm, record)).record;
  await r.persistIntent(vm, second);
  held.open();
  await untilStatus('VM1', 'REALIZED', 3);
  expect(steps).toEqual(['start 1', 'end 1', 'start 3', 'end 3']);
});

test('a change that was made without the framework is realized too, because the attempt at the old revision is stale', async () => {
  const revisions: number[] = [];
  const started = gate();
  const held = gate();
  await work('E1', {
    realize: async ({ revision }) => {
      revisions.push(revision);
      if (revision > 1) return;
      started.open();
      await held.opened;
    },
  });
  const record = await persist('VM1');
  await started.opened;
  await fixture.store.as(pepsi).update(vm, { ...record, name: 'by hand' }, { bypassRealization: true });
  held.open();
  await untilStatus('VM1', 'REALIZED', 2);
  expect(revisions).toEqual([1, 2]);
});

test('two workers that claim to be one point share its work, and never have one resource at a time', async () => {
  const running = new Set<string>();
  const realized: string[] = [];
  let overlaps = 0;
  const realize: VmHandlers['realize'] = async ({ record, revision }) => {
    if (running.has(record.id)) overlaps++;
    running.add(record.id);
    await new Promise((resolve) => setImmediate(resolve));
    running.delete(record.id);
    realized.push(`${record.id} ${revision}`);
  };
  for (let count = 0; count < 2; count++) await work('E1', { realize }, { concurrency: 4 });
  const ids = Array.from({ length: 30 }, (_, index) => `VM${index}`);
  for (let round = 0; round < 3; round++)
    await Promise.all(ids.map((id) => r.persistIntent(vm, { id, name: `${round}` }, { enforcementPoints: ['E1'] })));
  for (const id of ids) await untilStatus(id, 'REALIZED', 3);
  expect(overlaps).toBe(0);
  expect(new Set(realized).size).toBe(realized.length);
});

test('a locked resource does not delay the others of its batch', async () => {
  await Promise.all([persist('locked'), ...Array.from({ length: 10 }, (_, index) => persist(`VM${index}`))]);
  const held = gate();
  const locked = gate();
  const holding = fixture.store.as(pepsi).transaction(async (tx) => {
    await fixture.realization.in(tx).markPending(vm, { id: 'locked', revision: 1 }, 'E7');
    locked.open();
    await held.opened;
  });
  await locked.opened;
  await work('E1');
  for (let index = 0; index < 10; index++) await untilStatus(`VM${index}`, 'REALIZED');
  held.open();
  await holding;
  await soon(async () => expect((await detailsOf('locked'))?.status).toBe('REALIZED'));
});

test('a handler that takes too long gets an aborted signal, its attempt is ERROR, and it keeps its resource until it returns', async () => {
  const held = gate();
  const reasons: unknown[] = [];
  let runs = 0;
  await work(
    'E1',
    {
      realize: async (_, { signal }) => {
        if (++runs > 1) return;
        signal.addEventListener('abort', () => reasons.push(signal.reason.reason));
        await held.opened;
      },
    },
    { attemptTimeoutMs: 50, abandonAfterMs: 60_000 },
  );
  await persist('VM1');
  await untilStatus('VM1', 'ERROR');
  expect((await detailsOf('VM1'))?.additionalDetails).toContain('the handler took longer than 50 ms');
  expect(reasons).toEqual(['timeout']);
  expect(runs).toBe(1);
  held.open();
  await untilStatus('VM1', 'REALIZED');
});

test('a worker that stops lets its attempts finish', async () => {
  const started = gate();
  const held = gate();
  const worker = await work('E1', {
    realize: async () => {
      started.open();
      await held.opened;
    },
  });
  await persist('VM1');
  await started.opened;
  const stopped = worker.stop();
  held.open();
  await stopped;
  expect(await r.getOverallStatus(vm, 'VM1')).toBe('REALIZED');
  expect(worker.inFlight).toBe(0);
});

test('a worker that may not wait any longer aborts its attempts and hands their jobs back, as no failure', async () => {
  const started = gate();
  const worker = await work(
    'E1',
    {
      realize: (_, { signal }) => {
        started.open();
        return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
      },
    },
    { stopTimeoutMs: 0 },
  );
  await persist('VM1');
  await started.opened;
  await worker.stop();
  expect((await detailsOf('VM1'))?.status).toBe('IN_PROGRESS');
  const attempts: number[] = [];
  await work('E1', { realize: async ({ attempt }) => void attempts.push(attempt) });
  await untilStatus('VM1', 'REALIZED');
  expect(attempts).toEqual([1]);
});

test('a worker may be stopped twice, before it started, and started again', async () => {
  const worker = makeWorker({ enforcementPoint: 'E1', handlers: [on(vm, { realize: async () => {} })] });
  await worker.stop();
  await worker.stop();
  await worker.start();
  await worker.start();
  await persist('VM1');
  await untilStatus('VM1', 'REALIZED');
  await worker.stop();
  await worker.stop();
  await worker.start();
  await persist('VM2');
  await untilStatus('VM2', 'REALIZED');
});

test('the jobs of an unresponsive worker are taken over, and its later reports do not count', async () => {
  const started = gate();
  const held = gate();
  const silent = await work(
    'E1',
    {
      realize: async () => {
        started.open();
        await held.opened;
      },
    },
    { leaseMs: 600_000 },
  );
  await persist('VM1');
  await started.opened;
  const attempts: number[] = [];
  await work('E1', { realize: async ({ attempt }) => void attempts.push(attempt) }, { leaseMs: 300 });
  await untilStatus('VM1', 'REALIZED');
  expect(attempts).toEqual([2]);
  await r.persistIntent(vm, { id: 'VM1', name: 'two', revision: 1 }, { enforcementPoints: ['E1'] });
  held.open();
  await untilStatus('VM1', 'REALIZED', 2);
  await silent.stop();
});

test('a worker that cannot renew its leases because the network hangs aborts its attempts before another worker begins them', async () => {
  await using proxy = await tcpProxy({ targetPort: Number(new URL(fixture.url).port) });
  await using store = await createDataStore({
    connection: proxy.through(fixture.url),
    adminConnection: fixture.adminUrl,
  });
  const realization = await createRealization({ store, subscriptions: undefined, maintenance: false });
  await realization.register([vm], { roles: ROLES });
  const events: string[] = [];
  const begun = gate();
  const realize = async (_intent: unknown, { signal }: { signal: AbortSignal }) => {
    begun.open();
    await once(signal, 'abort');
    events.push('aborted');
  };
  const cutOff = realization.worker({ enforcementPoint: 'E1', leaseMs: 600, handlers: [on(vm, { realize })] });
  await cutOff.start();
  await persist('VM1');
  await begun.opened;
  proxy.pause();
  await work('E1', { realize: async () => void events.push('begun by another') }, { leaseMs: 600 });
  await untilStatus('VM1', 'REALIZED');
  expect(events).toEqual(['aborted', 'begun by another']);
  proxy.resume();
  await cutOff.stop();
});

test('one worker may serve several tables', async () => {
  const calls: string[] = [];
  const worker = makeWorker({
    enforcementPoint: 'E1',
    handlers: [
      on(vm, { realize: async ({ record }) => void calls.push(record.name) }),
      on(rule, { realize: async ({ record }) => void calls.push(`port ${record.port}`) }),
    ],
  });
  await worker.start();
  await persist('VM1');
  await r.persistIntent(rule, { id: 'R1', port: 80 }, { enforcementPoints: ['E1'] });
  await r.waitFor(rule, 'R1', { status: 'REALIZED', timeoutMs: 20_000 });
  await untilStatus('VM1', 'REALIZED');
  expect(calls.sort()).toEqual(['one', 'port 80']);
});

test('an id that is used again in the middle of its removal ends REALIZED at its new point and removed from the old', async () => {
  const calls: string[] = [];
  const held = gate();
  const started = gate();
  await work('E1', {
    realize: async () => void calls.push('realize at E1'),
    unrealize: async () => {
      started.open();
      await held.opened;
      calls.push('unrealize at E1');
    },
  });
  await work('E2', { realize: async ({ record }) => void calls.push(`realize ${record.name} at E2`) });
  await persist('VM1');
  await untilStatus('VM1', 'REALIZED');
  await r.softDelete(vm, 'VM1');
  await started.opened;
  const { record } = await r.persistIntent(vm, { id: 'VM1', name: 'reborn' }, { enforcementPoints: ['E2'] });
  await untilStatus('VM1', 'REALIZED', record.revision);
  held.open();
  await soon(async () => expect((await detailsOf('VM1'))?.status).toBe('DELETION_REALIZED'));
  expect(calls.slice(0, 2)).toEqual(['realize at E1', 'realize reborn at E2']);
  expect(calls.slice(2)).toEqual(['unrealize at E1', 'unrealize at E1']);
});

test('a handler that reacts to its time limit is recorded once', async () => {
  await work(
    'E1',
    { realize: (_, { signal }) => new Promise((_resolve, reject) => signal.addEventListener('abort', reject)) },
    { attemptTimeoutMs: 50, retry: { limit: 1 } },
  );
  await persist('VM1');
  await untilStatus('VM1', 'ERROR');
  expect((await detailsOf('VM1'))?.additionalDetails).toBe(
    'ERROR the handler took longer than 50 ms (attempt 1 of 1) at revision 1',
  );
});

test('a worker with missing options is refused at once', () => {
  const make = (options: object) => () => fixture.realization.worker(options as WorkerOptions);
  expect(make({ enforcementPoint: 'E1' })).toThrow('give handlers');
  expect(make({ enforcementPoint: 'E1', handlers: [on(undefined as never, { realize: async () => {} })] })).toThrow(
    'a defined table',
  );
  expect(make({ enforcementPoint: 'E1', handlers: [on(vm, { realize: async () => {} })], concurrency: 0 })).toThrow(
    'concurrency',
  );
  expect(make({ enforcementPoint: '', handlers: [on(vm, { realize: async () => {} })] })).toThrow('enforcement point');
});
