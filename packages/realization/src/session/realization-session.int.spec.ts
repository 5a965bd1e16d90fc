import { randomUUID } from 'node:crypto';
import { MarkingFailedError, RecordNotFoundError, RevisionConflictError } from '@intendant/core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { coke, type Fixture, openFixture, pepsi, vm } from '../testing/fixture.ts';
import type { RealizationSession } from './realization-session.ts';

let fixture: Fixture;
let r: RealizationSession;
beforeAll(async () => {
  fixture = await openFixture();
  r = fixture.realization.as(pepsi);
});
afterAll(() => fixture[Symbol.asyncDispose]());

const newId = (): string => `VM-${randomUUID()}`;
const persist = async (id = newId()) => (await r.persistIntent(vm, { id, name: 'one' })).record;
const find = (id: string) => fixture.store.as(pepsi).find(vm, id);

/** Overall and the points, in one line. A point that was never marked is UNKNOWN. */
async function statusesOf(id: string, ...points: string[]): Promise<string> {
  const { overall, enforcement } = await r.getOverallStatusWithEnforcementDetails(vm, id);
  return [overall.status, ...points.map((point) => enforcement.get(point)?.status ?? 'UNKNOWN')].join(' / ');
}

async function expectConsistent(id: string, points: readonly string[]): Promise<void> {
  const { overall, enforcement } = await r.getOverallStatusWithEnforcementDetails(vm, id);
  const { revision } = await fixture.store.as(pepsi).find(vm, id, { includeDeleted: true });
  expect(overall.revision).toBe(revision);
  expect([...enforcement.keys()].sort()).toEqual([...points].sort());
  for (const record of enforcement.values()) expect(record.revision).toBe(revision);
}

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
      await expectConsistent(id, []);
    }
  });

  test('at a revision that is not the stored one is a conflict, and changes nothing', async () => {
    const record = await persist();
    await r.markSuccess(vm, record, 'E1');
    await expect(r.persistIntent(vm, { ...record, name: 'AMD', revision: 1002 })).rejects.toThrow(
      RevisionConflictError,
    );
    expect(await find(record.id)).toEqual(record);
    expect(await statusesOf(record.id, 'E1')).toBe('REALIZED / REALIZED');
  });

  test('is PENDING at all its points at once, so that a fast point cannot be done before a slow one is known', async () => {
    const { record } = await r.persistIntent(vm, { id: newId(), name: 'one' }, { enforcementPoints: ['E1', 'E2'] });
    await r.markSuccess(vm, record, 'E1');
    expect(await statusesOf(record.id, 'E1', 'E2')).toBe('PENDING / REALIZED / PENDING');
  });

  test('again turns every enforcement row to PENDING at the new revision', async () => {
    const record = await persist();
    await r.markSuccess(vm, record, 'E1');
    await r.markError(vm, record, 'E2', 'no room');
    await r.persistIntent(vm, record);
    expect(await statusesOf(record.id, 'E1', 'E2')).toBe('PENDING / PENDING / PENDING');
    await expectConsistent(record.id, ['E1', 'E2']);
  });

  test('that moves from p1 and p2 to p2 and p3 waits for p2 and p3, and not for the removal at p1', async () => {
    const first = await r.persistIntent(vm, { id: newId(), name: 'rule' }, { enforcementPoints: ['p1', 'p2'] });
    for (const point of ['p1', 'p2']) await r.markSuccess(vm, first.record, point);
    const { record } = await r.persistIntent(vm, first.record, { enforcementPoints: ['p2', 'p3'] });
    expect(await statusesOf(record.id, 'p1', 'p2', 'p3')).toBe('PENDING / DELETION_PENDING / PENDING / PENDING');
    await r.markSuccess(vm, record, 'p2');
    await r.markSuccess(vm, record, 'p3');
    expect(await statusesOf(record.id, 'p1', 'p2', 'p3')).toBe('REALIZED / DELETION_PENDING / REALIZED / REALIZED');
    await r.markDeletionRealized(vm, record, 'p1');
    expect(await statusesOf(record.id, 'p1', 'p2', 'p3')).toBe('REALIZED / DELETION_REALIZED / REALIZED / REALIZED');
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
    expect(await statusesOf(record.id, 'p2', 'p3')).toBe('PENDING / DELETION_PENDING / PENDING');
    await expectConsistent(record.id, ['p2', 'p3']);
  });

  test('under an id that was deleted goes on above the revision of what is left, so that a late worker cannot mark it', async () => {
    const old = await persist();
    await r.markPending(vm, old, 'E1');
    await r.markInProgress(vm, old, 'E1');
    await r.delete(vm, old.id);
    const { record } = await r.persistIntent(vm, { id: old.id, name: 'reborn' }, { enforcementPoints: ['E2'] });
    expect(record.revision).toBe(old.revision + 1);
    await expect(r.markSuccess(vm, old, 'E1')).rejects.toThrow(MarkingFailedError);
    await expectConsistent(old.id, ['E1', 'E2']);
    expect(await statusesOf(old.id, 'E1', 'E2')).toBe('PENDING / DELETION_PENDING / PENDING');
  });

  test('under an id that was deleted purges what is left of its removals', async () => {
    const azure = ['eastus', 'eastus2', 'westus', 'westus2', 'westus3'];
    const west = ['us-west-1', 'us-west-2', 'westus', 'westus2', 'westus3'];
    const id = newId();
    const first = await persist(id);
    for (const point of azure) await r.markPending(vm, first, point);
    await expectConsistent(id, azure);
    await r.delete(vm, id);
    for (const point of azure) await r.markDeletionPending(vm, first, point);
    const second = await persist(id);
    for (const point of west) await r.markPending(vm, second, point);
    await expectConsistent(id, west);
  });

  test('under an id that was purged starts anew, without the old points', async () => {
    const record = await persist();
    await r.markPending(vm, record, 'e0');
    await r.markInProgress(vm, record, 'e1');
    await r.markError(vm, record, 'e2', 'realization failed');
    expect(await statusesOf(record.id, 'e0', 'e1', 'e2')).toBe('ERROR / PENDING / IN_PROGRESS / ERROR');
    expect(await r.purge(vm, record.id)).toBe(5);
    await expect(find(record.id)).rejects.toThrow(RecordNotFoundError);
    await expect(statusesOf(record.id)).rejects.toThrow(RecordNotFoundError);
    expect((await persist(record.id)).revision).toBe(1);
    expect(await statusesOf(record.id, 'e0', 'e1', 'e2')).toBe('PENDING / UNKNOWN / UNKNOWN / UNKNOWN');
  });

  test('that fails its schema changes nothing', async () => {
    const id = newId();
    await expect(r.persistIntent(vm, { id, name: 7 as never }, { enforcementPoints: ['E1'] })).rejects.toMatchObject({
      code: 'INVALID_RECORD',
    });
    await expect(r.getOverallStatus(vm, id)).rejects.toThrow(RecordNotFoundError);
  });
});

describe('marks', () => {
  test('a first mark at a point creates its row, and the same mark twice changes nothing more', async () => {
    const record = await persist();
    for (const _ of ['once', 'twice']) {
      for (const point of ['cluster-001', 'cluster-002', 'cluster-003']) await r.markPending(vm, record, point);
      expect(await statusesOf(record.id, 'cluster-001', 'cluster-002', 'cluster-003')).toBe(
        'PENDING / PENDING / PENDING / PENDING',
      );
      await expectConsistent(record.id, ['cluster-001', 'cluster-002', 'cluster-003']);
    }
  });

  test('a mark for a resource that was never persisted fails', async () => {
    const error = await r.markPending(vm, { id: newId(), revision: 1 }, 'E1').catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(MarkingFailedError);
    expect((error as Error).cause).toBeInstanceOf(RecordNotFoundError);
  });

  test('a mark for a stale revision fails, names the newest, and changes nothing', async () => {
    const record = await persist();
    const newer = (await r.persistIntent(vm, record, { enforcementPoints: ['E1'] })).record;
    await r.markSuccess(vm, newer, 'E1');
    for (const mark of [
      r.markPending,
      r.markInProgress,
      r.markSuccess,
      r.markDeletionPending,
      r.markDeletionRealized,
    ]) {
      const error = await mark.call(r, vm, record, 'E1').catch((caught: unknown) => caught);
      expect(error).toBeInstanceOf(MarkingFailedError);
      expect((error as Error).cause).toBeInstanceOf(RevisionConflictError);
      expect(error).toMatchObject({ details: { revision: 1, currentRevision: 2 } });
    }
    await expect(r.markError(vm, record, 'E1', 'late')).rejects.toThrow('revision 1 is stale, realize revision 2');
    expect(await statusesOf(record.id, 'E1')).toBe('REALIZED / REALIZED');
  });

  test('a mark for a revision that does not exist yet fails', async () => {
    const record = await persist();
    const error = await r.markSuccess(vm, { ...record, revision: 7 }, 'E1').catch((caught: unknown) => caught);
    expect((error as Error).cause).toBeInstanceOf(RecordNotFoundError);
    expect(await statusesOf(record.id, 'E1')).toBe('PENDING / UNKNOWN');
  });

  test('of many resources marked at once one stale one fails alone', async () => {
    const records = [];
    for (let index = 0; index < 5; index++) records.push(await persist());
    const [stale, ...others] = records as [(typeof records)[0], ...typeof records];
    await r.persistIntent(vm, stale as NonNullable<typeof stale>);
    const error = await r.markSuccess(vm, records, 'E1').catch((caught: unknown) => caught);
    expect(error).toMatchObject({
      code: 'MARKING_FAILED',
      details: { refused: [{ key: { id: stale?.id }, currentRevision: 2 }] },
    });
    for (const { id } of others) expect(await statusesOf(id, 'E1')).toBe('REALIZED / REALIZED');
    expect(await statusesOf((stale as { id: string }).id, 'E1')).toBe('PENDING / UNKNOWN');
  });

  test('a mark refused inside a transaction leaves it usable', async () => {
    const record = await persist();
    await fixture.store.as(pepsi).transaction(async (tx) => {
      const inside = fixture.realization.in(tx);
      await expect(inside.markPending(vm, { id: newId(), revision: 1 }, 'E1')).rejects.toThrow(MarkingFailedError);
      await inside.markSuccess(vm, record, 'E1');
    });
    expect(await statusesOf(record.id, 'E1')).toBe('REALIZED / REALIZED');
  });

  test('another tenant’s resource cannot be marked', async () => {
    const record = await persist();
    const other = fixture.realization.as(coke);
    await expect(other.markSuccess(vm, { id: record.id, revision: 1 }, 'E1')).rejects.toThrow(MarkingFailedError);
    await expect(other.markSuccess(vm, record, 'E1')).rejects.toMatchObject({ code: 'OPERATION_NOT_ALLOWED' });
    await expect(other.getOverallStatus(vm, record.id)).rejects.toThrow(RecordNotFoundError);
  });

  test('a reader cannot persist or mark', async () => {
    const record = await persist();
    const auditor = fixture.realization.as({ orgId: 'Pepsi', roles: ['tenant_auditor'] });
    await expect(auditor.persistIntent(vm, record)).rejects.toMatchObject({ code: 'OPERATION_NOT_ALLOWED' });
    await expect(auditor.markSuccess(vm, record, 'E1')).rejects.toMatchObject({ code: 'OPERATION_NOT_ALLOWED' });
    expect(await auditor.getOverallStatus(vm, record.id)).toBe('PENDING');
  });

  test('without a context nothing can be read', async () => {
    const blank = fixture.realization.as(undefined as never);
    await expect(blank.getOverallStatus(vm, 'VM1')).rejects.toMatchObject({ code: 'MISSING_CONTEXT' });
    await expect(blank.getOverallStatusWithEnforcementDetails(vm, 'VM1')).rejects.toMatchObject({
      code: 'MISSING_CONTEXT',
    });
  });

  test('a point without a valid name is refused', async () => {
    const record = await persist();
    for (const point of ['', 7, null, 'x'.repeat(501), 'a\0b']) {
      await expect(r.markPending(vm, record, point as string)).rejects.toMatchObject({ code: 'INVALID_RECORD' });
    }
  });
});

describe('the whole life of a resource', () => {
  test('overall follows two points through realization, failure, recovery and deletion', async () => {
    let record = await persist();
    const now = () => statusesOf(record.id, 'e1', 'e2');
    expect(await now()).toBe('PENDING / UNKNOWN / UNKNOWN');
    await r.markInProgress(vm, record, 'e1');
    expect(await now()).toBe('IN_PROGRESS / IN_PROGRESS / UNKNOWN');
    await r.markInProgress(vm, record, 'e2');
    expect(await now()).toBe('IN_PROGRESS / IN_PROGRESS / IN_PROGRESS');
    await r.markSuccess(vm, record, 'e1');
    expect(await now()).toBe('IN_PROGRESS / REALIZED / IN_PROGRESS');
    await r.markError(vm, record, 'e2', 'realization failed');
    expect(await now()).toBe('ERROR / REALIZED / ERROR');
    await r.markSuccess(vm, record, 'e2');
    expect(await now()).toBe('REALIZED / REALIZED / REALIZED');

    record = (await r.persistIntent(vm, { ...record, name: 'two' })).record;
    expect(await now()).toBe('PENDING / PENDING / PENDING');
    await r.markInProgress(vm, record, 'e1');
    expect(await now()).toBe('PENDING / IN_PROGRESS / PENDING');
    await r.markSuccess(vm, record, 'e1');
    await r.markError(vm, record, 'e2', 'realization failed');
    expect(await now()).toBe('ERROR / REALIZED / ERROR');
    await r.markSuccess(vm, record, 'e2');
    expect(await now()).toBe('REALIZED / REALIZED / REALIZED');

    const deleted = await r.softDelete(vm, record.id);
    expect(deleted).toMatchObject({ rowsAffected: 1, record: { revision: record.revision + 1 } });
    record = deleted.record as typeof record;
    expect(await now()).toBe('DELETION_PENDING / DELETION_PENDING / DELETION_PENDING');
    await r.markDeletionInProgress(vm, record, 'e1');
    expect(await now()).toBe('DELETION_PENDING / DELETION_IN_PROGRESS / DELETION_PENDING');
    await r.markDeletionInProgress(vm, record, 'e2');
    expect(await now()).toBe('DELETION_IN_PROGRESS / DELETION_IN_PROGRESS / DELETION_IN_PROGRESS');
    await r.markDeletionRealized(vm, record, 'e1');
    expect(await now()).toBe('DELETION_IN_PROGRESS / DELETION_REALIZED / DELETION_IN_PROGRESS');
    await r.markDeletionError(vm, record, 'e2', 'it is stuck');
    expect(await now()).toBe('ERROR / DELETION_REALIZED / ERROR');
    await r.markDeletionRealized(vm, record, 'e2');
    expect(await now()).toBe('DELETION_REALIZED / DELETION_REALIZED / DELETION_REALIZED');
    expect(await r.delete(vm, record.id)).toBe(1);
    expect(await now()).toBe('DELETION_REALIZED / DELETION_REALIZED / DELETION_REALIZED');
    expect(await r.purgeStaleStatusRecords(vm, record.id)).toBe(3);
    await expect(now()).rejects.toThrow(RecordNotFoundError);
  });

  test('the number of points may change inside one transaction', async () => {
    const record = await persist();
    await fixture.store.as(pepsi).transaction(async (tx) => {
      const inside = fixture.realization.in(tx);
      for (const point of ['001', '002']) {
        await inside.markPending(vm, record, point);
        await inside.markSuccess(vm, record, point);
      }
      await inside.markDeletionPending(vm, record, '001');
      await inside.markPending(vm, record, '002');
      await inside.markPending(vm, record, '003');
      expect(await inside.getOverallStatus(vm, record.id)).toBe('PENDING');
    });
    expect(await statusesOf(record.id, '001', '002', '003')).toBe('PENDING / DELETION_PENDING / PENDING / PENDING');
  });

  test('an intent persisted inside a transaction that rolls back leaves nothing', async () => {
    const id = newId();
    const failing = fixture.store.as(pepsi).transaction(async (tx) => {
      await fixture.realization.in(tx).persistIntent(vm, { id, name: 'one' }, { enforcementPoints: ['E1'] });
      expect(await fixture.realization.in(tx).getOverallStatus(vm, id)).toBe('PENDING');
      throw new Error('changed my mind');
    });
    await expect(failing).rejects.toThrow('changed my mind');
    await expect(r.getOverallStatus(vm, id)).rejects.toThrow(RecordNotFoundError);
    await expect(find(id)).rejects.toThrow(RecordNotFoundError);
  });

  test('a revision conflict inside a transaction changes nothing and leaves it usable', async () => {
    const record = await persist();
    await fixture.store.as(pepsi).transaction(async (tx) => {
      const inside = fixture.realization.in(tx);
      await expect(inside.persistIntent(vm, { ...record, revision: 9 })).rejects.toThrow(RevisionConflictError);
      const { record: second } = await inside.persistIntent(vm, { ...record, name: 'two' });
      expect(second.revision).toBe(2);
      await expect(inside.persistIntent(vm, { ...record, name: 'three' })).rejects.toThrow(RevisionConflictError);
    });
    expect(await find(record.id)).toMatchObject({ name: 'two', revision: 2 });
    await expectConsistent(record.id, []);
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
    expect(await statusesOf(deleted.id, '001', '002', '003')).toBe(
      'DELETION_REALIZED / DELETION_REALIZED / DELETION_REALIZED / DELETION_REALIZED',
    );

    const unknown = { id: newId(), revision: 3 };
    await r.markDeletionPending(vm, unknown, '001');
    expect(await statusesOf(unknown.id, '001')).toBe('DELETION_PENDING / DELETION_PENDING');
  });

  test('a soft-deleted resource is DELETION_PENDING also when it is nowhere', async () => {
    const record = await persist();
    await r.softDelete(vm, record.id);
    expect(await statusesOf(record.id)).toBe('DELETION_PENDING');
    await expectConsistent(record.id, []);
  });

  test('deleting a resource without status rows results in DELETION_REALIZED, and a new one with its id gets a higher revision', async () => {
    const record = await persist();
    await r.softDelete(vm, record.id);
    await r.purgeStaleStatusRecords(vm, record.id);
    expect(await r.delete(vm, record.id)).toBe(1);
    expect(await r.waitFor(vm, record.id, { status: 'DELETION_REALIZED', timeoutMs: 5000 })).toBe('DELETION_REALIZED');
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
    await expectConsistent(record.id, []);
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
    expect(await statusesOf(record.id, 'e1', 'e2')).toBe('DELETION_PENDING / DELETION_PENDING / DELETION_PENDING');
    expect(await r.purgeStaleStatusRecords(vm, record.id)).toBe(3);
    for (const _ of ['once', 'twice']) {
      await expect(statusesOf(record.id)).rejects.toThrow(RecordNotFoundError);
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
    expect(await statusesOf(record.id, 'e1', 'e2')).toBe('DELETION_IN_PROGRESS / DELETION_IN_PROGRESS / UNKNOWN');
  });
});

describe('error details', () => {
  test('gather newest first, cut at 1,024 characters, on the point and overall', async () => {
    const record = await persist();
    for (const point of ['001', '002', '003']) {
      await r.markPending(vm, record, point);
      await r.markSuccess(vm, record, point);
    }
    await r.markError(vm, record, '001', 'A'.repeat(1024));
    expect(await statusesOf(record.id, '001')).toBe('ERROR / ERROR');
    await r.markError(vm, record, '001', new Error('B'.repeat(100)));
    const { overall, enforcement } = await r.getOverallStatusWithEnforcementDetails(vm, record.id);
    for (const details of [overall.additionalDetails, enforcement.get('001')?.additionalDetails as string]) {
      expect(details.length).toBeLessThanOrEqual(1024);
      expect(details.startsWith(`ERROR ${'B'.repeat(100)} at revision 1; ERROR ${'A'.repeat(100)}`)).toBe(true);
      expect(details).not.toContain('A'.repeat(1024));
    }
  });

  test('stay on the overall row while any point is in ERROR, and go when none is', async () => {
    const record = await persist();
    await r.markError(vm, record, 'e1', 'first');
    await r.markError(vm, record, 'e2', 'second');
    await r.markInProgress(vm, record, 'e3');
    const overall = async () =>
      (await r.getOverallStatusWithEnforcementDetails(vm, record.id)).overall.additionalDetails;
    expect(await overall()).toBe('ERROR second at revision 1; ERROR first at revision 1');
    await r.markSuccess(vm, record, 'e1');
    expect(await overall()).toBe('ERROR second at revision 1; ERROR first at revision 1');
    await r.markSuccess(vm, record, 'e2');
    expect(await overall()).toBe('');
    const { enforcement } = await r.getOverallStatusWithEnforcementDetails(vm, record.id);
    expect(enforcement.get('e1')?.additionalDetails).toBe('');
  });

  test('of 10 MB, with half a character, and from values other than errors are stored', async () => {
    const record = await persist();
    await r.markError(vm, record, 'e1', '😀'.repeat(2_500_000));
    await r.markError(vm, record, 'e2', `broken \uD800 \0 text`);
    await r.markError(vm, record, 'e3', { code: 42 });
    const { enforcement } = await r.getOverallStatusWithEnforcementDetails(vm, record.id);
    expect(Array.from(enforcement.get('e1')?.additionalDetails as string)).toHaveLength(1024);
    expect(enforcement.get('e2')?.additionalDetails).toBe('ERROR broken \uFFFD \uFFFD text at revision 1');
    expect(enforcement.get('e3')?.additionalDetails).toBe('ERROR { code: 42 } at revision 1');
  });
});
