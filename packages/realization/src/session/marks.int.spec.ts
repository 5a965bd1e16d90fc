import { randomUUID } from 'node:crypto';
import { MarkingFailedError, RecordNotFoundError, RevisionConflictError } from '@intendant/core';
import { afterAll, describe, expect, test } from 'vitest';
import { coke, openFixture, pepsi, vm } from '../testing/fixture.ts';
import { expectConsistent, statusLine } from '../testing/statuses.ts';

const fixture = await openFixture();
afterAll(() => fixture[Symbol.asyncDispose]());
const r = fixture.realization.as(pepsi);

const newId = (): string => `VM-${randomUUID()}`;

const persist = async (id = newId()) => (await r.persistIntent(vm, { id, name: 'one' })).record;

describe('marks', () => {
  test('a first mark at a point creates its row, and the same mark twice changes nothing more', async () => {
    const record = await persist();
    for (const _ of ['once', 'twice']) {
      for (const point of ['cluster-001', 'cluster-002', 'cluster-003']) await r.markPending(vm, record, point);
      expect(await statusLine(r, vm, record.id, 'cluster-001', 'cluster-002', 'cluster-003')).toBe(
        'PENDING / PENDING / PENDING / PENDING',
      );
      await expectConsistent(fixture.store, r, record.id, ['cluster-001', 'cluster-002', 'cluster-003']);
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
    expect(await statusLine(r, vm, record.id, 'E1')).toBe('REALIZED / REALIZED');
  });

  test('a mark for a revision that does not exist yet fails', async () => {
    const record = await persist();
    const error = await r.markSuccess(vm, { ...record, revision: 7 }, 'E1').catch((caught: unknown) => caught);
    expect((error as Error).cause).toBeInstanceOf(RecordNotFoundError);
    expect(await statusLine(r, vm, record.id, 'E1')).toBe('PENDING / UNKNOWN');
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
    for (const { id } of others) expect(await statusLine(r, vm, id, 'E1')).toBe('REALIZED / REALIZED');
    expect(await statusLine(r, vm, (stale as { id: string }).id, 'E1')).toBe('PENDING / UNKNOWN');
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

test('overall follows two points through realization, failure, recovery and deletion', async () => {
  let record = await persist();
  const now = () => statusLine(r, vm, record.id, 'e1', 'e2');
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

describe('error details', () => {
  test('gather newest first, cut at 1,024 characters, on the point and overall', async () => {
    const record = await persist();
    for (const point of ['001', '002', '003']) {
      await r.markPending(vm, record, point);
      await r.markSuccess(vm, record, point);
    }
    await r.markError(vm, record, '001', 'A'.repeat(1024));
    expect(await statusLine(r, vm, record.id, '001')).toBe('ERROR / ERROR');
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
