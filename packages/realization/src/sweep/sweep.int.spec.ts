import { internalsOf } from '@intendant/core/internal';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { StatusTables } from '../resource/status-tables.ts';
import type { RealizationSession } from '../session/realization-session.ts';
import { type Fixture, openFixture, pepsi, vm } from '../testing/fixture.ts';
import { gate } from '../testing/waiting.ts';
import { Workers } from '../testing/workers.ts';
import { sweepChunk } from './sweep.ts';

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
  await query('delete from intendant.job_sweep');
});
afterAll(() => fixture[Symbol.asyncDispose]());

const LIMIT = { timeoutMs: 20_000 };
const query = (text: string) => internalsOf(fixture.store).withAdmin((client) => client.query(text));
const persist = async (id: string) =>
  (await r.persistIntent(vm, { id, name: 'one' }, { enforcementPoints: ['E1'] })).record;
const untilRealized = (id: string, revision: number) => r.waitFor(vm, id, { status: 'REALIZED', revision, ...LIMIT });
const jobs = async (): Promise<string[]> =>
  (await query('select singleton_key as key from intendant_jobs.job order by 1')).rows.map(({ key }) => key);

function statusTables(): StatusTables {
  const { table } = internalsOf(fixture.store);
  return { resource: table('vm'), overall: table('overall_status_vm'), enforcement: table('enforcement_status_vm') };
}

const sweepNext = () => sweepChunk(internalsOf(fixture.store), statusTables(), 60_000);

/** One sweep, now. */
async function sweep(): Promise<number> {
  await query(
    `insert into intendant.job_sweep (table_name, next_at) values ('public.vm', now())
     on conflict (table_name) do update set next_at = now()`,
  );
  return (await sweepNext()).added;
}

test('a resource whose job was deleted by hand is realized after a while', async () => {
  await persist('VM1');
  await query('delete from intendant_jobs.job');
  await workers.work('E1', {}, { sweepIntervalMs: 100 });
  await untilRealized('VM1', 1);
});

test('a removal whose job was deleted by hand happens after a while', async () => {
  await workers.work('E1', {}, { sweepIntervalMs: 100 });
  await persist('VM1');
  await untilRealized('VM1', 1);
  await workers.stop();
  await r.softDelete(vm, 'VM1');
  await query('delete from intendant_jobs.job');
  await workers.work('E1', {}, { sweepIntervalMs: 100 });
  await r.waitFor(vm, 'VM1', { status: 'DELETION_REALIZED', ...LIMIT });
});

test('a change that was made without the framework is realized after a while', async () => {
  await workers.work('E1', {}, { sweepIntervalMs: 100 });
  const record = await persist('VM1');
  await untilRealized('VM1', 1);
  await fixture.store.as(pepsi).update(vm, { ...record, name: 'by hand' }, { bypassRealization: true });
  await untilRealized('VM1', 2);
});

test('resources that wait, run, are to be retried or are realized get no second job', async () => {
  const held = gate();
  const started = gate();
  await persist('waits');
  expect(await sweep()).toBe(0);
  await workers.work(
    'E1',
    {
      realize: async ({ record }) => {
        if (record.id === 'fails') throw new Error('no capacity');
        if (record.id !== 'runs') return;
        started.open();
        await held.opened;
      },
    },
    { retry: { minDelayMs: 600_000, maxDelayMs: 600_000 } },
  );
  for (const id of ['runs', 'fails']) await persist(id);
  await untilRealized('waits', 1);
  await started.opened;
  await r.waitFor(vm, 'fails', { status: 'ERROR', ...LIMIT });
  expect(await sweep()).toBe(0);
  expect(await jobs()).toEqual(['Pepsi/fails', 'Pepsi/runs']);
  held.open();
});

test('an intent that is being committed during a sweep gets no second job', async () => {
  await fixture.store.as(pepsi).transaction(async (tx) => {
    await fixture.realization.in(tx).persistIntent(vm, { id: 'VM1', name: 'one' }, { enforcementPoints: ['E1'] });
    expect(await sweep()).toBe(0);
  });
  expect(await sweep()).toBe(0);
  expect(await jobs()).toEqual(['Pepsi/VM1']);
});

test('a table larger than a chunk is swept in steps, each from where the previous one ended', async () => {
  await query(`select intendant.enqueue_jobs('public', 'vm', '{}', '{}', '{}', 0)`);
  await query(
    `insert into public.enforcement_status_vm
       (org_id, id, enforcement_point_id, realization_status, additional_details, resource_revision, is_removal)
     select 'Pepsi', 'VM' || i, 'E1', 800, '', 1, false from generate_series(1, 2500) as i`,
  );
  expect([await sweep(), await sweep(), await sweep(), await sweep()]).toEqual([1000, 1000, 500, 0]);
  expect(new Set(await jobs()).size).toBe(2500);
});

test('while one process sweeps, others do not', async () => {
  await sweep();
  await persist('VM1');
  await query('delete from intendant_jobs.job');
  await query('update intendant.job_sweep set next_at = now()');
  await internalsOf(fixture.store).withAdmin(async (client) => {
    await client.query('select from intendant.job_sweep for update');
    expect(await sweepNext()).toEqual({ added: 0, waitMs: 60_000 });
  });
  expect(await sweepNext()).toMatchObject({ added: 1 });
});

test('failed jobs are deleted when the retention of pg-boss is over', async () => {
  await persist('old');
  await persist('new');
  await query(
    `update intendant_jobs.job set state = 'failed', completed_on = now() - case singleton_key when 'Pepsi/old' then interval '8 days' else '1 day' end`,
  );
  await query('update intendant_jobs.job set singleton_key = singleton_key');
  await sweep();
  const { rows } = await query("select singleton_key from intendant_jobs.job where state = 'failed'");
  expect(rows).toEqual([{ singleton_key: 'Pepsi/new' }]);
});
