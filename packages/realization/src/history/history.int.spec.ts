import { internalsOf } from '@intendant/core/internal';
import { eventually } from '@intendant/devdb/testing';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { on, type RealizationSession } from '../index.ts';
import { coke, type Fixture, openFixture, pepsi, rule, vm } from '../testing/fixture.ts';
import { serviceQuery } from '../testing/service-query.ts';

let fixture: Fixture;
let r: RealizationSession;
beforeAll(async () => {
  fixture = await openFixture({ tables: [vm, rule], maintenance: { keepHistoryMs: 3_600_000 } });
  r = fixture.realization.as(pepsi);
});
afterEach(async () => {
  await fixture.empty();
  await serviceQuery(fixture.store, 'delete from intendant.status_history');
});
afterAll(() => fixture[Symbol.asyncDispose]());

const persist = async (id: string, enforcementPoints = ['E1']) =>
  (await r.persistIntent(vm, { id, name: 'one' }, { enforcementPoints })).record;

/** The counts, computed from the status tables. */
async function counted(): Promise<unknown> {
  const { rows } = await internalsOf(fixture.store).withAdmin((client) =>
    client.query(`
      select point, status, count(*)::int as resources from (
        select '' as point, realization_status as status from public.overall_status_vm
        union all select enforcement_point_id, realization_status from public.enforcement_status_vm
      ) s group by 1, 2 order by 1, 2`),
  );
  return rows;
}

/** The stored counts, in the same form. */
async function kept(): Promise<unknown> {
  const { rows } = await internalsOf(fixture.store).withAdmin((client) =>
    client.query(`
      select point_id as point, status, sum(n)::int as resources from (
        select point_id, status, resources as n from intendant.status_count where table_name = 'public.vm'
        union all select point_id, status, change from intendant.status_change where table_name = 'public.vm'
      ) s group by 1, 2 having sum(n) <> 0 order by 1, 2`),
  );
  return rows;
}

describe('history', () => {
  test('returns each status at each point, newest first, with revision and message', async () => {
    const record = await persist('VM1', ['E1', 'E2']);
    await r.markInProgress(vm, record, 'E1');
    await r.markInProgress(vm, record, 'E1');
    await r.markError(vm, record, 'E1', 'no room');
    await r.markError(vm, record, 'E1', 'still no room');
    await r.markSuccess(vm, record, 'E1');
    await persist('VM1', ['E1']);
    const history = await r.history(vm, 'VM1', { enforcementPoint: 'E1' });
    expect(history.map(({ status, revision, message }) => [status, revision, message])).toEqual([
      ['PENDING', 2, ''],
      ['REALIZED', 1, ''],
      ['ERROR', 1, 'ERROR still no room at revision 1'],
      ['ERROR', 1, 'ERROR no room at revision 1'],
      ['IN_PROGRESS', 1, ''],
      ['PENDING', 1, ''],
    ]);
    expect(await r.history(vm, 'VM1')).toHaveLength(8);
    expect(history[0]?.occurredAt).toBeInstanceOf(Date);
    expect(await r.history(vm, 'VM1', { enforcementPoint: 'E2', limit: 1 })).toMatchObject([
      { status: 'DELETION_PENDING' },
    ]);
  });

  test('names the attempt, and stays after the resource was removed', async () => {
    let failures = 1;
    const worker = fixture.realization.worker({
      enforcementPoint: 'E1',
      retry: { limit: 3, minDelayMs: 20, maxDelayMs: 40 },
      handlers: [
        on(vm, {
          realize: async () => {
            if (failures-- > 0) throw new Error('no room');
          },
        }),
      ],
    });
    await worker.start();
    await persist('VM1');
    await r.waitFor(vm, 'VM1', { status: 'REALIZED', timeoutMs: 20_000 });
    await worker.stop();
    await r.purge(vm, 'VM1');
    const history = await r.history(vm, 'VM1');
    expect(history.map(({ status, attempt }) => [status, attempt])).toEqual([
      ['REALIZED', 2],
      ['IN_PROGRESS', 2],
      ['ERROR', 1],
      ['IN_PROGRESS', 1],
      ['PENDING', null],
    ]);
  });

  test('contains only the caller’s own resources, and is empty for an unknown one', async () => {
    await persist('VM1');
    expect(await fixture.realization.as(coke).history(vm, 'VM1')).toEqual([]);
    expect(await r.history(vm, 'nobody')).toEqual([]);
    await expect(fixture.realization.as(coke).history(vm, { id: 'VM1', orgId: 'Pepsi' })).rejects.toMatchObject({
      code: 'OPERATION_NOT_ALLOWED',
    });
    for (const limit of [0, 1.5, 1001, 'all' as never]) {
      await expect(r.history(vm, 'VM1', { limit })).rejects.toMatchObject({ code: 'INVALID_RECORD' });
    }
  });

  test('is forgotten by maintenance when its time is over', async () => {
    await persist('VM1');
    await serviceQuery(fixture.store, "update intendant.status_history set occurred_at = now() - interval '2 hours'");
    await fixture.realization.maintenance.stop();
    fixture.realization.maintenance.start();
    await eventually(async () => expect(await r.history(vm, 'VM1')).toEqual([]), { timeoutMs: 20_000 });
    await fixture.realization.maintenance.stop();
  });
});

describe('the summary', () => {
  test('counts resources by table, status and point, each tenant its own', async () => {
    const records = [await persist('VM1', ['E1', 'E2']), await persist('VM2'), await persist('VM3')];
    await r.markSuccess(vm, records, 'E1');
    await r.persistIntent(rule, { id: 'R1', port: 80 }, { enforcementPoints: ['E1'] });
    await fixture.realization.as(coke).persistIntent(vm, { id: 'VM1', name: '' }, { enforcementPoints: ['E1'] });
    const [vms, rules] = await r.summary();
    expect(vms).toEqual({
      table: 'vm',
      overall: { PENDING: 1, REALIZED: 2 },
      points: new Map([
        ['E1', { REALIZED: 3 }],
        ['E2', { PENDING: 1 }],
      ]),
    });
    expect(rules).toEqual({ table: 'rule', overall: { PENDING: 1 }, points: new Map([['E1', { PENDING: 1 }]]) });
    expect((await fixture.realization.summary([vm]))[0]?.overall).toEqual({ PENDING: 2, REALIZED: 2 });
  });

  test('agrees with the status tables after everything that can happen to a resource, folded or not', async () => {
    const record = await persist('VM1', ['E1', 'E2']);
    await persist('VM2');
    await r.markError(vm, record, 'E1', 'no room');
    expect(await kept()).toEqual(await counted());
    fixture.realization.maintenance.start();
    await eventually(
      async () => {
        const { rows } = await serviceQuery(
          fixture.store,
          'select count(*)::int as waiting from intendant.status_change',
        );
        expect(rows[0].waiting).toBe(0);
      },
      { timeoutMs: 20_000 },
    );
    expect(await kept()).toEqual(await counted());
    await r.softDelete(vm, 'VM1');
    await r.delete(vm, 'VM2');
    await r.purgeStaleStatusRecords(vm, 'VM1');
    await persist('VM1', ['E3']);
    await persist('VM3');
    await r.purge(vm, 'VM3');
    await fixture.store
      .as(pepsi)
      .transaction(async (tx) => {
        await fixture.realization.in(tx).persistIntent(vm, { id: 'VM4', name: '' }, { enforcementPoints: ['E1'] });
        throw new Error('never mind');
      })
      .catch(() => {});
    expect(await kept()).toEqual(await counted());
    await fixture.realization.maintenance.stop();
    await fixture.empty();
    expect(await kept()).toEqual([]);
  });

  test('agrees with the status tables after updates by SQL of one row, of several, of none, and of a key', async () => {
    await Promise.all(['VM1', 'VM2'].map((id) => persist(id)));
    const updates = [
      [`set realization_status = 200 where id = 'VM1'`, 1],
      [`set realization_status = 600`, 2],
      [`set realization_status = 800 where id = 'none'`, 0],
      [`set resource_revision = 7 where id = 'VM2'`, 1],
      [`set enforcement_point_id = 'E9' where id = 'VM1'`, 0],
    ] as const;
    for (const [update, told] of updates) {
      const { rowCount } = await internalsOf(fixture.store).withAdmin(async (client) => {
        await client.query('delete from intendant.status_history');
        await client.query(`update public.enforcement_status_vm ${update}`);
        return client.query('select from intendant.status_history');
      });
      expect(rowCount, update).toBe(told);
      expect(await kept(), update).toEqual(await counted());
    }
  });

  test('agrees with the status tables when many change them at once, while it is being folded', async () => {
    fixture.realization.maintenance.start();
    const below = (limit: number): number => Math.floor(Math.random() * limit);
    const anything = async (): Promise<unknown> => {
      const id = `VM${below(8)}`;
      const point = `P${below(4)}`;
      const dice = below(10);
      if (dice < 4) return r.persistIntent(vm, { id, name: '' }, { enforcementPoints: [point, `P${below(4)}`] });
      if (dice === 4) return r.softDelete(vm, id);
      if (dice === 5) return r.purge(vm, id);
      const { overall } = await r.getOverallStatusWithEnforcementDetails(vm, id);
      const reference = { id, revision: overall.revision };
      if (dice === 6) return r.markError(vm, reference, point, 'no room');
      if (dice === 7) return r.markDeletionRealized(vm, reference, point);
      return r.markSuccess(vm, reference, point);
    };
    const REFUSALS = ['MARKING_FAILED', 'RECORD_NOT_FOUND'];
    const some = async (): Promise<void> => {
      for (let turn = 0; turn < 60; turn++) {
        await anything().catch((error: { code?: string }) => {
          if (!REFUSALS.includes(error.code ?? '')) throw error;
        });
      }
    };
    await Promise.all(Array.from({ length: 8 }, some));
    expect(await kept()).toEqual(await counted());
    await fixture.realization.maintenance.stop();
  });

  test('starts from nothing for tables that were dropped and are registered again', async () => {
    await persist('VM1', ['E1', 'E2']);
    await internalsOf(fixture.store).withAdmin((client) =>
      client.query('drop table public.vm, public.overall_status_vm, public.enforcement_status_vm'),
    );
    await fixture.realization.register([vm]);
    expect(await kept()).toEqual([]);
    await persist('VM1');
    expect(await kept()).toEqual(await counted());
  });

  test('counts what was there before there were triggers', async () => {
    await persist('VM1', ['E1', 'E2']);
    await internalsOf(fixture.store).withAdmin(async (client) => {
      for (const table of ['overall_status_vm', 'enforcement_status_vm']) {
        for (const event of ['insert', 'update', 'delete', 'truncate'])
          await client.query(`drop trigger intendant_status_${event} on public.${table}`);
      }
      await client.query('truncate intendant.status_change, intendant.status_count');
    });
    await fixture.realization.register([vm]);
    expect(await kept()).toEqual(await counted());
  });

  test('counts again what changed while a trigger was removed or disabled', async () => {
    await persist('VM1', ['E1', 'E2']);
    await internalsOf(fixture.store).withAdmin((client) =>
      client.query(`
        drop trigger intendant_status_insert on public.overall_status_vm;
        alter table public.enforcement_status_vm disable trigger intendant_status_insert`),
    );
    await persist('VM2', ['E1']);
    expect(await kept()).not.toEqual(await counted());
    await fixture.realization.register([vm]);
    expect(await kept()).toEqual(await counted());
    await persist('VM3', ['E1']);
    expect(await kept()).toEqual(await counted());
  });
});
