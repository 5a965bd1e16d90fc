import { once } from 'node:events';
import { createDataStore } from '@intendant/core';
import { tcpProxy } from '@intendant/devdb/testing';
import { expect, test } from 'vitest';
import { createRealization } from '../realization.ts';
import { onTestServer, ROLES, vm } from '../testing/fixture.ts';
import { openSuite, soon } from '../testing/suite.ts';
import { gate } from '../testing/waiting.ts';
import { on } from './handler.ts';

const { fixture, r, workers, query, persist, untilStatus, detailsOf } = await openSuite();

test('a worker that stops lets its attempts finish', async () => {
  const started = gate();
  const held = gate();
  const worker = await workers.work('E1', {
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
  const worker = await workers.work(
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
  await workers.work('E1', { realize: async ({ attempt }) => void attempts.push(attempt) });
  await untilStatus('VM1', 'REALIZED');
  expect(attempts).toEqual([1]);
});

test('a worker may be stopped twice, before it started, and started again', async () => {
  const worker = workers.make({ enforcementPoint: 'E1', handlers: [on(vm, { realize: async () => {} })] });
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

test('the jobs of an unresponsive worker are taken over, and its later reports do not count', async () => {
  const started = gate();
  const held = gate();
  const silent = await workers.work(
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
  await workers.work('E1', { realize: async ({ attempt }) => void attempts.push(attempt) }, { leaseMs: 300 });
  await untilStatus('VM1', 'REALIZED');
  expect(Math.min(...attempts)).toBeGreaterThan(1);
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
    ...onTestServer,
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
  const cutOff = realization.worker({ enforcementPoint: 'E1', leaseMs: 1_200, handlers: [on(vm, { realize })] });
  await cutOff.start();
  await persist('VM1');
  await begun.opened;
  proxy.pause();
  await workers.work('E1', { realize: async () => void events.push('begun by another') }, { leaseMs: 1_200 });
  await untilStatus('VM1', 'REALIZED');
  expect(events).toEqual(['aborted', 'begun by another']);
  proxy.resume();
  await cutOff.stop();
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
  await soon(async () => {
    const { rows } = await query("select retry_count from intendant_jobs.job where singleton_key = 'Pepsi/VM1'");
    expect(rows[0]?.retry_count).toBeGreaterThan(0);
  });
  held.open();
  await untilStatus('VM1', 'REALIZED');
  expect(most).toBe(1);
});
