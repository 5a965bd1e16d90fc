import { internalsOf, statementsOf } from '@intendant/core/internal';
import { expect, test } from 'vitest';
import { pepsi, rule, vm } from '../testing/fixture.ts';
import { openSuite, soon } from '../testing/suite.ts';
import { gate } from '../testing/waiting.ts';
import type { VmHandlers } from '../testing/workers.ts';
import { on } from './handler.ts';
import type { WorkerOptions } from './worker-options.ts';

const { fixture, r, workers, query, persist, persistMany, untilStatus, detailsOf } = await openSuite({
  tables: [vm, rule],
});

async function waitingJobs(): Promise<number> {
  const { rows } = await query("select count(*)::int as jobs from intendant_jobs.job where state <> 'failed'");
  return rows[0].jobs;
}

test('an intent persisted for two points is REALIZED when both have realized it', async () => {
  const realized: string[] = [];
  await workers.work('E1', { realize: async ({ record }) => void realized.push(`${record.id} at E1`) });
  const record = await persist('P1', ['E1', 'E2']);
  await soon(() => expect(realized).toEqual(['P1 at E1']));
  await soon(async () => expect((await detailsOf('P1'))?.status).toBe('REALIZED'));
  expect(await r.getOverallStatus(vm, 'P1')).toBe('PENDING');
  await workers.work('E2', { realize: async () => void realized.push('P1 at E2') });
  expect(await untilStatus('P1', 'REALIZED', record.revision)).toBe('REALIZED');
  expect(realized).toEqual(['P1 at E1', 'P1 at E2']);
  await soon(async () => expect(await waitingJobs()).toBe(0));
});

test('a handler gets the record, the revision, the attempt and the tenant, and may act for the tenant', async () => {
  const told: unknown[] = [];
  await workers.work('E1', {
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
  await workers.work('E1', {
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
  for (const point of ['E1', 'E2']) await workers.work(point, at(point));
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
  await workers.work('E1', {
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
  await workers.work('E1', {
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
  for (let count = 0; count < 2; count++) await workers.work('E1', { realize }, { concurrency: 4 });
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
  await workers.work('E1');
  for (let index = 0; index < 10; index++) await untilStatus(`VM${index}`, 'REALIZED');
  held.open();
  await holding;
  await soon(async () => expect((await detailsOf('locked'))?.status).toBe('REALIZED'));
});

test('one worker may serve several tables', async () => {
  const calls: string[] = [];
  const worker = workers.make({
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
  await workers.work('E1', {
    realize: async () => void calls.push('realize at E1'),
    unrealize: async () => {
      started.open();
      await held.opened;
      calls.push('unrealize at E1');
    },
  });
  await workers.work('E2', { realize: async ({ record }) => void calls.push(`realize ${record.name} at E2`) });
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

test('a job for a resource that was removed, or never existed, is completed', async () => {
  const calls: string[] = [];
  await workers.work('E1', { unrealize: async ({ key }) => void calls.push(JSON.stringify(key)) });
  await query(
    "select intendant.enqueue_jobs('public', 'vm', array['E1'], array['[\"Pepsi\", \"ghost\"]'::jsonb], array['Pepsi'], 0)",
  );
  await soon(async () => {
    const { rows } = await query('select count(*)::int as jobs from intendant_jobs.job');
    expect(rows[0].jobs).toBe(0);
  });
  expect(calls).toEqual(['{"id":"ghost"}']);
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
