import { describe, expect, test } from 'vitest';
import { pepsi, vm } from '../testing/fixture.ts';
import { statusLine } from '../testing/statuses.ts';
import { storedJobs } from '../testing/stored-jobs.ts';
import { openSuite, soon } from '../testing/suite.ts';

const { fixture, r, workers, query, persist, untilStatus } = await openSuite();

const jobs = () => storedJobs(fixture.store);

describe('intents of many resources, and of missing ones', () => {
  test('a revision of a missing resource is refused, and revision 0 only creates', async () => {
    const conflict = { code: 'REVISION_CONFLICT' };
    const stale = await persist('VM1');
    await r.purge(vm, 'VM1');
    const inTransaction = (record: object) =>
      fixture.store.as(pepsi).transaction((tx) => fixture.realization.in(tx).persistIntent(vm, record as never));
    for (const record of [stale, { id: 'VM2', name: '', revision: 7 }]) {
      await expect(r.persistIntent(vm, record)).rejects.toMatchObject(conflict);
      await expect(inTransaction(record)).rejects.toMatchObject(conflict);
      await expect(r.persistIntents(vm, [record])).rejects.toMatchObject(conflict);
    }
    expect(await r.list(vm)).toEqual([]);
    const created = await r.persistIntent(vm, { id: 'VM1', name: '', revision: 0 }, { enforcementPoints: ['E1'] });
    expect(created.record.revision).toBeGreaterThan(0);
    await expect(r.persistIntent(vm, { id: 'VM1', name: '', revision: 0 })).rejects.toMatchObject(conflict);
    await r.delete(vm, 'VM1');
    await expect(r.persistIntent(vm, created.record)).rejects.toMatchObject(conflict);
    expect((await r.persistIntent(vm, { ...created.record, revision: 0 })).record.revision).toBeGreaterThan(1);
  });

  test('sessions of core refuse to change resources, name the method to use instead, and obey bypassRealization', async () => {
    const record = await persist('VM1');
    const session = fixture.store.as(pepsi);
    const other = { id: 'VM2', name: '' };
    await expect(session.insert(vm, other)).rejects.toThrow(/persistIntent/);
    await expect(session.insertMany(vm, [other])).rejects.toThrow(/persistIntents/);
    await expect(session.upsert(vm, other)).rejects.toThrow(/persistIntent/);
    await expect(session.update(vm, record)).rejects.toThrow(/persistIntent/);
    await expect(session.updateMany(vm, {}, { name: 'x' })).rejects.toThrow(/persistIntents/);
    await expect(session.softDelete(vm, 'VM1')).rejects.toThrow(/softDelete of realization/);
    await expect(session.delete(vm, 'VM1')).rejects.toMatchObject({ code: 'OPERATION_NOT_ALLOWED' });
    await expect(session.deleteMany(vm, { where: {} })).rejects.toThrow(/softDeleteMany/);
    await expect(session.transaction((tx) => tx.insert(vm, other))).rejects.toThrow(/persistIntent/);
    expect(await session.findMany(vm)).toEqual([record]);
    await session.insert(vm, other, { bypassRealization: true });
    expect(await session.deleteMany(vm, { where: { id: 'VM2' }, bypassRealization: true })).toBe(1);
  });

  test('a resource that is deleted while it is enforced is still removed by the workers', async () => {
    const done = await persist('VM1', ['E1', 'E2']);
    for (const point of ['E1', 'E2']) await r.markSuccess(vm, done, point);
    await query('delete from intendant_jobs.job_common');
    expect(await r.delete(vm, 'VM1')).toBe(1);
    expect(await statusLine(r, vm, 'VM1', 'E1', 'E2')).toBe('DELETION_PENDING / DELETION_PENDING / DELETION_PENDING');
    const calls: unknown[] = [];
    await workers.work('E1', { unrealize: async ({ record: { id }, revision }) => void calls.push([id, revision]) });
    await r.markDeletionRealized(vm, done, 'E2');
    await untilStatus('VM1', 'DELETION_REALIZED');
    expect(calls).toEqual([['VM1', 1]]);
  });

  test('an intent for no point needs no worker, and is removed as soon as it is deleted', async () => {
    const nowhere = [{ enforcementPoints: [] }, { selector: { region: 'nowhere' } }];
    for (const [index, options] of nowhere.entries()) {
      const id = `VM${index}`;
      expect((await r.persistIntent(vm, { id, name: '' }, options)).status).toBe('REALIZED');
      expect(await r.getOverallStatus(vm, id)).toBe('REALIZED');
      await r.softDelete(vm, id);
      expect(await r.getOverallStatus(vm, id)).toBe('DELETION_REALIZED');
    }
    expect((await r.persistIntent(vm, { id: 'VM9', name: '' })).status).toBe('PENDING');
    const moved = await persist('VM3');
    await r.markSuccess(vm, moved, 'E1');
    const leaving = await r.persistIntent(vm, moved, { enforcementPoints: [] });
    expect(leaving.status).toBe('PENDING');
    await r.markDeletionRealized(vm, leaving.record, 'E1');
    expect(await r.getOverallStatus(vm, 'VM3')).toBe('REALIZED');
  });

  test('an intent that says nothing about its points leaves a resource that is nowhere REALIZED, in every way to persist it', async () => {
    const nowhere = { enforcementPoints: [] };
    for (const id of ['VM1', 'VM2', 'VM3', 'VM4']) await r.persistIntent(vm, { id, name: 'one' }, nowhere);
    expect((await r.persistIntent(vm, { id: 'VM1', name: 'two' })).status).toBe('REALIZED');
    expect((await r.persistIntents(vm, [{ id: 'VM2', name: 'two' }]))[0]?.status).toBe('REALIZED');
    await fixture.store.as(pepsi).transaction(async (tx) => {
      const inside = await fixture.realization.in(tx).persistIntent(vm, { id: 'VM3', name: 'two' });
      expect(inside.status).toBe('REALIZED');
    });
    const submitted = await r.submit.persistIntent(vm, { id: 'VM4', name: 'two' });
    expect((await submitted.result({ timeoutMs: 10_000 })).status).toBe('REALIZED');
    expect(await r.count(vm, { status: 'REALIZED' })).toBe(4);
    await expect(r.markSuccess(vm, { id: 'VM1', revision: 1 }, 'E1')).rejects.toMatchObject({ code: 'MARKING_FAILED' });
    expect(await r.getOverallStatus(vm, 'VM1')).toBe('REALIZED');
    expect((await r.persistIntent(vm, { id: 'VM1', name: 'two' }, { enforcementPoints: ['E1'] })).status).toBe(
      'PENDING',
    );
    await r.softDelete(vm, 'VM2');
    await expect(r.markSuccess(vm, { id: 'VM2', revision: 2 }, 'E1')).rejects.toMatchObject({ code: 'MARKING_FAILED' });
    expect(await r.getOverallStatus(vm, 'VM2')).toBe('DELETION_REALIZED');
  });

  test('many that fail inside a transaction are undone alone, and ids that were used before are among them', async () => {
    await persist('used');
    await r.delete(vm, 'used');
    await fixture.store.as(pepsi).transaction(async (tx) => {
      const inside = fixture.realization.in(tx);
      await inside.persistIntent(vm, { id: 'VM1', name: 'kept' }, { enforcementPoints: ['E1'] });
      const stale = [
        { id: 'VM1', name: 'changed' },
        { id: 'VM2', name: '', revision: 7 },
      ];
      await expect(inside.persistIntents(vm, stale)).rejects.toMatchObject({ code: 'REVISION_CONFLICT' });
      const names = ['VM3', 'used', 'VM4', 'used', 'VM3'].map((id) => ({ id, name: 'many' }));
      const many = await inside.persistIntents(vm, names, { enforcementPoints: ['E1'] });
      expect(many.map(({ record }) => record.revision)).toEqual([1, 2, 1, 3, 2]);
      expect((await inside.softDeleteMany(vm, ['VM4', 'VM3', 'nobody', 'VM4'])).records).toMatchObject([
        { id: 'VM4', revision: 2 },
        { id: 'VM3', revision: 3 },
      ]);
    });
    expect(await fixture.store.as(pepsi).findMany(vm, { orderBy: { id: 'asc' } })).toMatchObject([
      { id: 'VM1', name: 'kept', revision: 1 },
      { id: 'used', revision: 3 },
    ]);
    expect(await statusLine(r, vm, 'VM3', 'E1')).toBe('DELETION_PENDING / DELETION_PENDING');
    expect(await r.softDeleteMany(vm, [])).toEqual({ rowsAffected: 0, records: [] });
  });

  test('many are soft-deleted in one round trip, also those that are nowhere', async () => {
    await r.persistIntents(vm, [{ id: 'VM1', name: '' }], { enforcementPoints: ['E1', 'E2'] });
    await r.persistIntents(vm, [{ id: 'VM2', name: '' }], { enforcementPoints: [] });
    expect((await r.softDeleteMany(vm, ['VM1', 'VM2'])).rowsAffected).toBe(2);
    expect(await statusLine(r, vm, 'VM1', 'E1', 'E2')).toBe('DELETION_PENDING / DELETION_PENDING / DELETION_PENDING');
    expect(await r.getOverallStatus(vm, 'VM2')).toBe('DELETION_REALIZED');
    const calls: string[] = [];
    await workers.work('E2', { unrealize: async ({ record: { id } }) => void calls.push(id) });
    await soon(() => expect(calls).toEqual(['VM1']));
  });

  test('many are submitted at once, each of which is carried out by itself', async () => {
    const records = ['VM1', 'VM2'].map((id) => ({ id, name: 'one' }));
    const submitted = await r.submit.persistIntents(vm, records, { enforcementPoints: ['E1'] });
    const limit = { timeoutMs: 10_000 };
    expect(await submitted.result(limit)).toMatchObject([
      { record: { id: 'VM1', revision: 1 }, status: 'PENDING' },
      { record: { id: 'VM2', revision: 1 }, status: 'PENDING' },
    ]);
    const stale = await r.submit.persistIntents(vm, [
      { id: 'VM1', name: 'two' },
      { id: 'VM2', name: 'two', revision: 9 },
    ]);
    await expect(stale.result(limit)).rejects.toMatchObject({ code: 'REVISION_CONFLICT', details: { refused: [1] } });
    expect((await fixture.store.as(pepsi).find(vm, 'VM1')).name).toBe('two');
    const removed = await r.submit.softDeleteMany(vm, ['VM1', 'nobody', 'VM2']);
    expect(await removed.result(limit)).toMatchObject({ rowsAffected: 2, records: [{ id: 'VM1' }, { id: 'VM2' }] });
    for (const empty of [
      r.submit.persistIntents(vm, []),
      r.submit.softDeleteMany(vm, []),
      r.submit.markSuccess(vm, [], 'E1'),
    ])
      await (await empty).result(limit);
  });

  test('many are persisted and soft-deleted at once: all of them, or none', async () => {
    const records = Array.from({ length: 120 }, (_, n) => ({ id: `VM${n}`, name: 'one' }));
    const stored = await r.persistIntents(vm, records, { enforcementPoints: ['E1', 'E2'] });
    expect(stored.map(({ record }) => record.id)).toEqual(records.map(({ id }) => id));
    expect(await r.count(vm, { status: 'PENDING', enforcementPoint: 'E2' })).toBe(120);
    expect(await jobs()).toHaveLength(240);
    const changed = stored.map(({ record }) => ({ ...record, name: 'two' }));
    const withStale = [...changed.slice(0, 3), { ...(changed[3] as (typeof changed)[0]), revision: 9 }];
    await expect(r.persistIntents(vm, withStale)).rejects.toMatchObject({ code: 'REVISION_CONFLICT' });
    expect((await fixture.store.as(pepsi).find(vm, 'VM0')).name).toBe('one');
    await r.delete(vm, 'VM5');
    const again = await r.persistIntents(vm, [
      { id: 'VM5', name: 'anew' },
      { id: 'VM6', name: 'two' },
    ]);
    expect(again.map(({ record }) => record.revision)).toEqual([2, 2]);
    const deleted = await r.softDeleteMany(vm, ['VM1', 'nobody', 'VM2']);
    expect(deleted).toMatchObject({ rowsAffected: 2, records: [{ id: 'VM1', revision: 2 }, { id: 'VM2' }] });
    expect(await r.getOverallStatus(vm, 'VM2')).toBe('DELETION_PENDING');
    await expect(
      fixture.store.as(pepsi).transaction(async (tx) => {
        await fixture.realization.in(tx).persistIntents(vm, [{ id: 'new', name: '' }]);
        await fixture.realization.in(tx).softDeleteMany(vm, ['VM7']);
        throw new Error('never mind');
      }),
    ).rejects.toThrow('never mind');
    expect((await r.statuses(vm, ['new', 'VM7'])).get('VM7')?.overall.status).toBe('PENDING');
  });

  test('a mark of PENDING makes a job, also a submitted one', async () => {
    const record = await persist('VM1');
    await r.markSuccess(vm, record, 'E1');
    await query('delete from intendant_jobs.job_common');
    await r.markSuccess(vm, record, 'E1');
    expect(await jobs()).toEqual([]);
    await r.markPending(vm, record, 'E1');
    expect(await jobs()).toMatchObject([{ state: 'created', isDue: true }]);
    await query('delete from intendant_jobs.job_common');
    await r.markSuccess(vm, record, 'E1');
    await (await r.submit.markPending(vm, record, 'E1')).result({ timeoutMs: 20_000 });
    expect(await jobs()).toHaveLength(1);
    await expect(r.markPending(vm, { id: 'VM1', revision: 9 }, 'E1')).rejects.toMatchObject({ code: 'MARKING_FAILED' });
  });
});
