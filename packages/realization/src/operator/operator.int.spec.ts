import { defineTable, IntendantError } from '@intendant/core';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { coke, pepsi, vm } from '../testing/fixture.ts';
import { openSuite } from '../testing/suite.ts';

const disk = defineTable('disk', {
  schema: z.object({ where: z.string(), slot: z.int(), size: z.int() }),
  key: ['where', 'slot'],
});

const { fixture, r, workers, query, persist, untilStatus } = await openSuite({ tables: [vm, disk] });

const auditor = { orgId: 'Pepsi', roles: ['tenant_auditor'] };

const service = { orgId: 'Pepsi', roles: ['service_admin'] };

/** `VM1 ERROR, VM2 PENDING` */
const lineOf = (items: readonly { key: unknown; overall: { status: string } }[]): string =>
  items.map(({ key, overall }) => `${(key as { id: string }).id} ${overall.status}`).join(', ');

describe('statuses', () => {
  test('of many resources come in one map, by the key as it was given, with every point', async () => {
    const one = await persist('VM1', ['E1', 'E2']);
    await persist('VM2');
    await r.markError(vm, one, 'E2', 'no room');
    const key = { id: 'VM2' };
    const statuses = await r.statuses(vm, ['VM1', key, 'nobody']);
    expect([...statuses.keys()]).toEqual(['VM1', key]);
    expect(statuses.get(key)).toMatchObject({ overall: { status: 'PENDING', revision: 1 } });
    expect(statuses.get('VM1')).toEqual(await r.getOverallStatusWithEnforcementDetails(vm, 'VM1'));
    expect(await r.statuses(vm, [])).toEqual(new Map());
  });

  test('are one’s own; across tenants a key that several have is refused unless its org is named', async () => {
    await persist('VM1');
    expect(await fixture.realization.as(coke).statuses(vm, ['VM1'])).toEqual(new Map());
    await fixture.realization.as(coke).persistIntent(vm, { id: 'VM1', name: '' }, { enforcementPoints: ['E1'] });
    const all = fixture.realization.as(service);
    await expect(all.statuses(vm, ['VM1'])).rejects.toThrow('several resources');
    const named = { id: 'VM1', orgId: 'Coke' };
    expect([...(await all.statuses(vm, [named, { id: 'VM1', orgId: 'Pepsi' }])).keys()]).toHaveLength(2);
    await expect(r.statuses(vm, [named])).rejects.toMatchObject({ code: 'OPERATION_NOT_ALLOWED' });
  });
});

test('arguments of a wrong type are refused with an error of Intendant', async () => {
  const wrong = (value: unknown) => value as never;
  const calls = [
    () => r.statuses(vm, wrong(null)),
    () => r.summary(wrong({})),
    () => fixture.realization.summary(wrong('vm')),
    () => r.history(vm, 'VM1', { enforcementPoint: wrong(5) }),
    () => r.waitFor(vm, 'VM1', { status: wrong(10n) }),
    () => r.waitFor(vm, 'VM1', { status: 'REALIZED', revision: wrong({}) }),
    () => fixture.realization.points.add(wrong(undefined)),
    () => fixture.store.as(pepsi).findMany(vm, { signal: wrong(5) }),
  ];
  for (const call of calls) await expect(call()).rejects.toBeInstanceOf(IntendantError);
});

describe('the list', () => {
  test('returns the resources in a status, since when and why, overall and at a point', async () => {
    const before = new Date(Date.now() - 5_000);
    const one = await persist('VM1', ['E1', 'E2'], 'web');
    await persist('VM2', ['E2']);
    await r.markSuccess(vm, await persist('VM3'), 'E1');
    await r.markSuccess(vm, one, 'E1');
    await r.markError(vm, one, 'E2', 'no room');
    expect(lineOf(await r.list(vm))).toBe('VM1 ERROR, VM2 PENDING, VM3 REALIZED');
    expect(lineOf(await r.list(vm, { status: ['ERROR', 'PENDING'] }))).toBe('VM1 ERROR, VM2 PENDING');
    expect(lineOf(await r.list(vm, { enforcementPoint: 'E1' }))).toBe('VM1 ERROR, VM3 REALIZED');
    expect(lineOf(await r.list(vm, { enforcementPoint: 'E1', status: 'REALIZED', where: { name: 'web' } }))).toBe(
      'VM1 ERROR',
    );
    expect(lineOf(await r.list(vm, { olderThanMs: 60_000 }))).toBe('');
    const [failed] = await r.list(vm, { status: 'ERROR' });
    expect(failed).toMatchObject({ key: { id: 'VM1', orgId: 'Pepsi' }, record: one });
    expect(failed?.overall.additionalDetails).toContain('no room');
    expect([...(failed?.enforcement ?? [])].map(([point, { status }]) => `${point} ${status}`)).toEqual([
      'E1 REALIZED',
      'E2 ERROR',
    ]);
    expect(failed?.since.getTime()).toBeGreaterThan(before.getTime());
    expect(lineOf(await fixture.realization.as(auditor).list(vm, { status: 'ERROR' }))).toBe('VM1 ERROR');
    expect(await fixture.realization.as(coke).list(vm)).toEqual([]);
  });

  test('has pages that neither repeat nor skip, in every order', async () => {
    for (const id of ['VM3', 'VM1', 'VM5', 'VM2', 'VM4']) await persist(id, ['E1'], `name ${id === 'VM4' ? 'a' : 'b'}`);
    for (const id of ['VM1', 'VM4']) await r.markError(vm, { id, revision: 1 }, 'E1', 'no room');
    const statuses = { status: ['ERROR', 'PENDING'] } as const;
    const orders = [{}, { orderBy: { name: 'desc' } }, { orderBy: 'oldest' }, { orderBy: 'newest' }] as const;
    const ids: string[] = [];
    for (const order of orders) {
      let after: unknown;
      const seen: string[] = [];
      for (;;) {
        const page = await r.list(vm, { ...statuses, ...order, after, limit: 2 });
        seen.push(...page.map(({ record }) => record?.id ?? ''));
        if (page.length === 0) break;
        after = page.at(-1);
      }
      ids.push(seen.join(' '));
    }
    expect(ids).toEqual(['VM1 VM2 VM3 VM4 VM5', 'VM1 VM2 VM3 VM5 VM4', 'VM3 VM5 VM2 VM1 VM4', 'VM4 VM1 VM2 VM5 VM3']);
    const [first] = await r.list(vm, { limit: 1 });
    expect(lineOf(await r.list(vm, { after: first?.record, limit: 1 }))).toBe('VM2 PENDING');
    expect(lineOf(await r.list(vm, { after: 'VM4' }))).toBe('VM5 PENDING');
  });

  test('shows resources that are being removed, and the statuses of a resource without a row', async () => {
    await persist('VM1');
    await persist('VM2');
    await r.softDelete(vm, 'VM1');
    await r.delete(vm, 'VM2');
    await r.markDeletionError(vm, { id: 'VM2', revision: 1 }, 'E1', 'it is stuck');
    const listed = await r.list(vm);
    expect(lineOf(listed)).toBe('VM1 DELETION_PENDING, VM2 ERROR');
    expect(listed[0]?.record?.deletedAt).toBeInstanceOf(Date);
    expect(listed[1]?.record).toBeNull();
  });

  test('refuses what it does not know, by name', async () => {
    const refused = [{ status: 'FAILED' }, { limit: 0 }, { limit: 1001 }, { olderThanMs: -1 }];
    for (const options of [...refused, { orderBy: 'name' }, { orderBy: { nothing: 'asc' } }, { where: { no: 1 } }])
      await expect(r.list(vm, options as never)).rejects.toMatchObject({ code: 'INVALID_RECORD' });
    await expect(r.list(vm, { filter: {} } as never)).rejects.toThrow('"filter"');
    await expect(r.count(vm, { limit: 1 } as never)).rejects.toThrow('"limit"');
    await expect(r.retry(vm, { enforcementpoint: 'E1' } as never)).rejects.toThrow('"enforcementpoint"');
  });

  test('works where the key has several columns, one of them called like an option', async () => {
    for (const slot of [1, 2, 3])
      await r.persistIntent(disk, { where: 'new', slot, size: 10 - slot }, { enforcementPoints: ['E1'] });
    const page = await r.list(disk, { status: 'PENDING', limit: 2 });
    expect(page.map(({ key }) => key)).toMatchObject([{ slot: 1 }, { slot: 2 }]);
    expect(await r.list(disk, { after: page[1] })).toMatchObject([{ key: { where: 'new', slot: 3 } }]);
    expect(await r.list(disk, { orderBy: { size: 'asc' }, where: { slot: { gt: 1 } } })).toMatchObject([
      { record: { size: 7 } },
      { record: { size: 8 } },
    ]);
    expect(await r.retry(disk, { where: 'new', slot: 1 })).toBe(1);
  });

  test('counts as it lists', async () => {
    for (const id of ['VM1', 'VM2', 'VM3']) await persist(id, ['E1', 'E2'], id);
    await r.markSuccess(vm, { id: 'VM1', revision: 1 }, 'E1');
    expect(await r.count(vm)).toBe(3);
    expect(await r.count(vm, { status: 'PENDING', where: { name: { gt: 'VM1' } } })).toBe(2);
    expect(await r.count(vm, { status: ['REALIZED', 'ERROR'], enforcementPoint: 'E1' })).toBe(1);
    expect(await fixture.realization.as(coke).count(vm)).toBe(0);
  });
});

describe('operator actions on many resources', () => {
  test('resync observes each realized resource, and purge removes every trace of those that match', async () => {
    const records = [await persist('VM1', ['E1', 'E2']), await persist('VM2')];
    await r.markSuccess(vm, records, 'E1');
    await query('delete from intendant_jobs.job_common');
    expect(await r.resync(vm, {})).toBe(2);
    expect(await r.resync(vm, ['VM1'])).toBe(0);
    expect(await r.purgeMany(vm, { status: 'REALIZED' }, { dryRun: true })).toBe(1);
    expect(await r.purgeMany(vm, ['VM1', 'VM2', 'VM3'], { dryRun: true })).toBe(2);
    expect(await fixture.realization.as(coke).purgeMany(vm, ['VM1'])).toBe(0);
    expect(await r.purgeMany(vm, { status: 'REALIZED' })).toBe(1);
    expect(lineOf(await r.list(vm))).toBe('VM1 PENDING');
    expect(await r.purgeMany(vm, ['VM1'])).toBe(1);
    await expect(fixture.store.as(pepsi).find(vm, 'VM1')).rejects.toMatchObject({ code: 'RECORD_NOT_FOUND' });
  });
});

describe('details of one resource and of the points', () => {
  test('detail returns for each point the error, the attempt, and when the next one is due', async () => {
    await workers.work(
      'E1',
      {
        realize: async () => {
          throw new Error('no room');
        },
      },
      { retry: { limit: 5, minDelayMs: 3_600_000, maxDelayMs: 3_600_000 } },
    );
    const record = await persist('VM1', ['E1', 'E2']);
    await untilStatus('VM1', 'ERROR');
    const detail = await r.detail(vm, 'VM1');
    expect(detail).toMatchObject({ key: { id: 'VM1', orgId: 'Pepsi' }, record, overall: { status: 'ERROR' } });
    expect(detail.points).toMatchObject([
      {
        enforcementPoint: 'E1',
        status: 'ERROR',
        attempt: 1,
        job: 'waiting',
        pointState: 'unregistered',
        isRemoval: false,
      },
      { enforcementPoint: 'E2', status: 'PENDING', attempt: null, job: 'waiting', error: '' },
    ]);
    expect(detail.points[0]?.error).toContain('no room');
    const [failed, pending] = detail.points.map(({ nextAttemptAt }) => (nextAttemptAt as Date).getTime() - Date.now());
    expect(failed).toBeGreaterThan(1_000_000);
    expect(pending).toBeLessThan(1000);
    await expect(fixture.realization.as(coke).detail(vm, 'VM1')).rejects.toMatchObject({ code: 'RECORD_NOT_FOUND' });
  });

  test('the points count only the caller’s own resources and jobs', async () => {
    for (const id of ['VM1', 'VM2']) await persist(id);
    await fixture.realization.as(coke).persistIntent(vm, { id: 'VM1', name: '' }, { enforcementPoints: ['E1'] });
    const [own] = await r.points();
    expect(own).toMatchObject({
      id: 'E1',
      state: 'unregistered',
      workers: 0,
      queue: { waiting: 2, due: 2, running: 0 },
    });
    expect(own?.statuses.get('vm')).toEqual({ PENDING: 2 });
    expect(own?.queue.oldestDueAt).toBeInstanceOf(Date);
    const [all] = await fixture.realization.as(service).points();
    expect(all?.queue.waiting).toBe(3);
    expect((await fixture.realization.points.previewRemoval('E1')).get('vm')).toEqual({ PENDING: 3 });
  });

  test('a failed job counts until its resource is realized', async () => {
    const records = [];
    for (const id of ['VM1', 'VM2', 'VM3']) records.push(await persist(id));
    const other = { id: 'VM4', name: '' };
    await fixture.realization.as(coke).persistIntent(vm, other, { enforcementPoints: ['E1'] });
    await query("update intendant_jobs.job_common set state = 'failed', completed_on = now()");
    const failed = async (session = r) => (await session.points()).map(({ queue }) => queue.failed);
    expect(await failed()).toEqual([3]);
    await r.markError(vm, records, 'E1', 'no room');
    expect(await failed()).toEqual([3]);
    await r.markSuccess(vm, records.slice(1, 2), 'E1');
    expect(await failed()).toEqual([2]);
    expect(await failed(fixture.realization.as(service))).toEqual([3]);
    expect((await r.detail(vm, 'VM2')).points).toMatchObject([{ job: null }]);
    expect((await r.detail(vm, 'VM3')).points).toMatchObject([{ job: 'failed' }]);
  });

  test('history goes on before the last item of a page', async () => {
    const record = await persist('VM1');
    for (const text of ['a', 'b', 'c']) await r.markError(vm, record, 'E1', text);
    const first = await r.history(vm, 'VM1', { limit: 2 });
    const second = await r.history(vm, 'VM1', { limit: 2, before: first[1]?.seq as number });
    expect([...first, ...second].map(({ message }) => message.slice(6, 7))).toEqual(['c', 'b', 'a', '']);
  });
});
