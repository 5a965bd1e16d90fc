import { randomUUID } from 'node:crypto';
import { MarkingFailedError, RecordNotFoundError, RevisionConflictError } from '@intendant/core';
import { afterAll, describe, expect, test } from 'vitest';
import { openFixture, pepsi, vm } from '../testing/fixture.ts';
import { expectConsistent, statusLine } from '../testing/statuses.ts';

const fixture = await openFixture();
afterAll(() => fixture[Symbol.asyncDispose]());
const r = fixture.realization.as(pepsi);

const newId = (): string => `VM-${randomUUID()}`;

const persist = async (id = newId()) => (await r.persistIntent(vm, { id, name: 'one' })).record;

const find = (id: string) => fixture.store.as(pepsi).find(vm, id);

describe('persisting an intent', () => {
  test('stores the resource as PENDING and leaves the caller’s object alone', async () => {
    const given = { id: newId(), name: 'one' };
    const { record, status } = await r.persistIntent(vm, given);
    expect(status).toBe('PENDING');
    expect(given).toEqual({ id: given.id, name: 'one' });
    expect(await find(given.id)).toEqual(record);
    expect(await r.getOverallStatus(vm, given.id)).toBe('PENDING');
  });

  test('ten times in a row counts the revision from 1 to 10', async () => {
    const id = newId();
    for (let revision = 1; revision <= 10; revision++) {
      const { record } = await r.persistIntent(vm, {
        id,
        name: `take ${revision}`,
        ...(revision > 1 && { revision: revision - 1 }),
      });
      expect(record).toMatchObject({ revision, name: `take ${revision}` });
      expect(await find(id)).toEqual(record);
      await expectConsistent(fixture.store, r, id, []);
    }
  });

  test('at a revision that is not the stored one is a conflict, and changes nothing', async () => {
    const record = await persist();
    await r.markSuccess(vm, record, 'E1');
    await expect(r.persistIntent(vm, { ...record, name: 'AMD', revision: 1002 })).rejects.toThrow(
      RevisionConflictError,
    );
    expect(await find(record.id)).toEqual(record);
    expect(await statusLine(r, vm, record.id, 'E1')).toBe('REALIZED / REALIZED');
  });

  test('is PENDING at all its points at once, so that a fast point cannot be done before a slow one is known', async () => {
    const { record } = await r.persistIntent(vm, { id: newId(), name: 'one' }, { enforcementPoints: ['E1', 'E2'] });
    await r.markSuccess(vm, record, 'E1');
    expect(await statusLine(r, vm, record.id, 'E1', 'E2')).toBe('PENDING / REALIZED / PENDING');
  });

  test('again turns every enforcement row to PENDING at the new revision', async () => {
    const record = await persist();
    await r.markSuccess(vm, record, 'E1');
    await r.markError(vm, record, 'E2', 'no room');
    await r.persistIntent(vm, record);
    expect(await statusLine(r, vm, record.id, 'E1', 'E2')).toBe('PENDING / PENDING / PENDING');
    await expectConsistent(fixture.store, r, record.id, ['E1', 'E2']);
  });

  test('that moves from p1 and p2 to p2 and p3 waits for p2 and p3, and not for the removal at p1', async () => {
    const first = await r.persistIntent(vm, { id: newId(), name: 'rule' }, { enforcementPoints: ['p1', 'p2'] });
    for (const point of ['p1', 'p2']) await r.markSuccess(vm, first.record, point);
    const { record } = await r.persistIntent(vm, first.record, { enforcementPoints: ['p2', 'p3'] });
    expect(await statusLine(r, vm, record.id, 'p1', 'p2', 'p3')).toBe('PENDING / DELETION_PENDING / PENDING / PENDING');
    await r.markSuccess(vm, record, 'p2');
    await r.markSuccess(vm, record, 'p3');
    expect(await statusLine(r, vm, record.id, 'p1', 'p2', 'p3')).toBe(
      'REALIZED / DELETION_PENDING / REALIZED / REALIZED',
    );
    await r.markDeletionRealized(vm, record, 'p1');
    expect(await statusLine(r, vm, record.id, 'p1', 'p2', 'p3')).toBe(
      'REALIZED / DELETION_REALIZED / REALIZED / REALIZED',
    );
  });

  test('keeps points that are being removed as they are, and forgets those that are removed', async () => {
    const { record } = await r.persistIntent(
      vm,
      { id: newId(), name: 'one' },
      { enforcementPoints: ['p1', 'p2', 'p3'] },
    );
    const moved = (await r.persistIntent(vm, record, { enforcementPoints: ['p3'] })).record;
    await r.markDeletionRealized(vm, moved, 'p1');
    await r.persistIntent(vm, moved);
    expect(await statusLine(r, vm, record.id, 'p2', 'p3')).toBe('PENDING / DELETION_PENDING / PENDING');
    await expectConsistent(fixture.store, r, record.id, ['p2', 'p3']);
  });

  test('under an id that was deleted goes on above the revision of what is left, so that a late worker cannot mark it', async () => {
    const old = await persist();
    await r.markPending(vm, old, 'E1');
    await r.markInProgress(vm, old, 'E1');
    await r.delete(vm, old.id);
    const { record } = await r.persistIntent(vm, { id: old.id, name: 'reborn' }, { enforcementPoints: ['E2'] });
    expect(record.revision).toBe(old.revision + 1);
    await expect(r.markSuccess(vm, old, 'E1')).rejects.toThrow(MarkingFailedError);
    await expectConsistent(fixture.store, r, old.id, ['E1', 'E2']);
    expect(await statusLine(r, vm, old.id, 'E1', 'E2')).toBe('PENDING / DELETION_PENDING / PENDING');
  });

  test('under an id that was deleted purges what is left of its removals', async () => {
    const azure = ['eastus', 'eastus2', 'westus', 'westus2', 'westus3'];
    const west = ['us-west-1', 'us-west-2', 'westus', 'westus2', 'westus3'];
    const id = newId();
    const first = await persist(id);
    for (const point of azure) await r.markPending(vm, first, point);
    await expectConsistent(fixture.store, r, id, azure);
    await r.delete(vm, id);
    for (const point of azure) await r.markDeletionPending(vm, first, point);
    const second = await persist(id);
    for (const point of west) await r.markPending(vm, second, point);
    await expectConsistent(fixture.store, r, id, west);
  });

  test('under an id that was purged starts anew, without the old points', async () => {
    const record = await persist();
    await r.markPending(vm, record, 'e0');
    await r.markInProgress(vm, record, 'e1');
    await r.markError(vm, record, 'e2', 'realization failed');
    expect(await statusLine(r, vm, record.id, 'e0', 'e1', 'e2')).toBe('ERROR / PENDING / IN_PROGRESS / ERROR');
    expect(await r.purge(vm, record.id)).toBe(5);
    await expect(find(record.id)).rejects.toThrow(RecordNotFoundError);
    await expect(statusLine(r, vm, record.id)).rejects.toThrow(RecordNotFoundError);
    expect((await persist(record.id)).revision).toBe(1);
    expect(await statusLine(r, vm, record.id, 'e0', 'e1', 'e2')).toBe('PENDING / UNKNOWN / UNKNOWN / UNKNOWN');
  });

  test('that fails its schema changes nothing', async () => {
    const id = newId();
    await expect(r.persistIntent(vm, { id, name: 7 as never }, { enforcementPoints: ['E1'] })).rejects.toMatchObject({
      code: 'INVALID_RECORD',
    });
    await expect(r.getOverallStatus(vm, id)).rejects.toThrow(RecordNotFoundError);
  });
});

describe('deletion', () => {
  test('deletion marks work for an existing, a deleted and an unknown resource', async () => {
    const live = await persist();
    await r.markDeletionPending(vm, live, '001');
    expect((await r.getOverallStatusWithEnforcementDetails(vm, live.id)).enforcement.get('001')?.status).toBe(
      'DELETION_PENDING',
    );

    const deleted = await persist();
    expect(await r.delete(vm, deleted.id)).toBe(1);
    expect(await r.getOverallStatus(vm, deleted.id)).toBe('DELETION_REALIZED');
    for (const point of ['001', '002', '003']) await r.markDeletionRealized(vm, deleted, point);
    expect(await statusLine(r, vm, deleted.id, '001', '002', '003')).toBe(
      'DELETION_REALIZED / DELETION_REALIZED / DELETION_REALIZED / DELETION_REALIZED',
    );

    const unknown = { id: newId(), revision: 3 };
    await r.markDeletionPending(vm, unknown, '001');
    expect(await statusLine(r, vm, unknown.id, '001')).toBe('DELETION_PENDING / DELETION_PENDING');
  });

  test('a soft-deleted resource is DELETION_PENDING also when it is nowhere', async () => {
    const record = await persist();
    await r.softDelete(vm, record.id);
    expect(await statusLine(r, vm, record.id)).toBe('DELETION_PENDING');
    await expectConsistent(fixture.store, r, record.id, []);
  });

  test('deleting a resource without status rows results in DELETION_REALIZED, and a new one with its id gets a higher revision', async () => {
    const record = await persist();
    await r.softDelete(vm, record.id);
    await r.purgeStaleStatusRecords(vm, record.id);
    expect(await r.delete(vm, record.id)).toBe(1);
    expect(await r.waitFor(vm, record.id, { status: 'DELETION_REALIZED', timeoutMs: 20_000 })).toBe(
      'DELETION_REALIZED',
    );
    const again = await r.persistIntent(vm, { id: record.id, name: 'again' }, { enforcementPoints: ['E1'] });
    expect(again.record.revision).toBeGreaterThan(record.revision + 1);
    await expect(r.markSuccess(vm, record, 'E1')).rejects.toThrow(MarkingFailedError);
  });

  test('deleting a missing resource affects nothing', async () => {
    const id = newId();
    expect(await r.softDelete(vm, id)).toEqual({ rowsAffected: 0, record: undefined });
    expect(await r.delete(vm, id)).toBe(0);
    expect(await r.purge(vm, id)).toBe(0);
    const record = await persist();
    await r.softDelete(vm, record.id);
    expect((await r.softDelete(vm, record.id)).rowsAffected).toBe(0);
    await expectConsistent(fixture.store, r, record.id, []);
  });

  test('deleting at an expected revision refuses another', async () => {
    const record = await persist();
    await expect(r.softDelete(vm, record.id, { revision: 5 })).rejects.toThrow(RevisionConflictError);
    await expect(r.delete(vm, record.id, { revision: 5 })).rejects.toThrow(RevisionConflictError);
    expect(await r.getOverallStatus(vm, record.id)).toBe('PENDING');
    expect((await r.softDelete(vm, record.id, { revision: 1 })).rowsAffected).toBe(1);
  });

  test('stale status rows are purged after the resource was deleted, and not before', async () => {
    const record = await persist();
    for (const _ of ['once', 'twice']) expect(await r.purgeStaleStatusRecords(vm, record.id)).toBe(0);
    expect(await r.getOverallStatus(vm, record.id)).toBe('PENDING');
    for (const point of ['e1', 'e2']) await r.markInProgress(vm, record, point);
    await r.softDelete(vm, record.id);
    expect(await statusLine(r, vm, record.id, 'e1', 'e2')).toBe(
      'DELETION_PENDING / DELETION_PENDING / DELETION_PENDING',
    );
    expect(await r.purgeStaleStatusRecords(vm, record.id)).toBe(3);
    for (const _ of ['once', 'twice']) {
      await expect(statusLine(r, vm, record.id)).rejects.toThrow(RecordNotFoundError);
      expect(await r.purgeStaleStatusRecords(vm, record.id)).toBe(0);
    }
  });

  test('purging stale rows leaves a point that is still busy, and its overall row', async () => {
    const record = await persist();
    for (const point of ['e1', 'e2']) await r.markSuccess(vm, record, point);
    const hidden = (await r.softDelete(vm, record.id)).record as typeof record;
    await r.markDeletionInProgress(vm, hidden, 'e1');
    await r.markDeletionRealized(vm, hidden, 'e2');
    expect(await r.purgeStaleStatusRecords(vm, record.id)).toBe(1);
    expect(await statusLine(r, vm, record.id, 'e1', 'e2')).toBe(
      'DELETION_IN_PROGRESS / DELETION_IN_PROGRESS / UNKNOWN',
    );
  });
});
