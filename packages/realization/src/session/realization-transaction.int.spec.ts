import { MarkingFailedError, RecordNotFoundError, RevisionConflictError } from '@intendant/core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { RealizationSession } from '../index.ts';
import { type Fixture, openFixture, pepsi, vm } from '../testing/fixture.ts';
import { expectConsistent, statusLine } from '../testing/statuses.ts';

let fixture: Fixture;
let r: RealizationSession;
beforeAll(async () => {
  fixture = await openFixture();
  r = fixture.realization.as(pepsi);
});
afterAll(() => fixture[Symbol.asyncDispose]());

const E1 = { enforcementPoints: ['E1'] };
const inTransaction = <Result>(run: (inside: RealizationSession) => Promise<Result>): Promise<Result> =>
  fixture.store.as(pepsi).transaction((tx) => run(fixture.realization.in(tx)), { tables: [vm] });

/** The same, taken back in the end. */
const takenBack = (run: (inside: RealizationSession) => Promise<void>): Promise<void> =>
  expect(
    inTransaction(async (inside) => {
      await run(inside);
      throw new Error('never mind');
    }),
  ).rejects.toThrow('never mind');

test('the whole life of a resource fits into one transaction, which sees what it did', async () => {
  await inTransaction(async (inside) => {
    const { record } = await inside.persistIntent(vm, { id: 'life', name: 'one' }, E1);
    expect(await inside.getOverallStatus(vm, 'life')).toBe('PENDING');
    await inside.markInProgress(vm, record, 'E1');
    await inside.markSuccess(vm, record, 'E1');
    expect(await inside.getOverallStatus(vm, 'life')).toBe('REALIZED');
    const second = (await inside.persistIntent(vm, { ...record, name: 'two' })).record;
    expect(second.revision).toBe(2);
    await inside.markError(vm, second, 'E1', 'no room');
    expect((await inside.history(vm, 'life'))[0]).toMatchObject({ status: 'ERROR', revision: 2 });
    expect((await inside.softDelete(vm, 'life')).record?.revision).toBe(3);
    await inside.markDeletionRealized(vm, { id: 'life', revision: 3 }, 'E1');
    expect(await inside.delete(vm, 'life')).toBe(1);
    expect(await inside.getOverallStatus(vm, 'life')).toBe('DELETION_REALIZED');
    expect((await inside.summary([vm]))[0]?.overall.DELETION_REALIZED).toBe(1);
  });
  expect(await statusLine(r, vm, 'life', 'E1')).toBe('DELETION_REALIZED / DELETION_REALIZED');
});

test('every operation is rolled back with the transaction, including history and counts', async () => {
  const { record } = await r.persistIntent(vm, { id: 'kept', name: 'one' }, E1);
  await r.markSuccess(vm, record, 'E1');
  const before = [
    await r.getOverallStatusWithEnforcementDetails(vm, 'kept'),
    await r.history(vm, 'kept'),
    await r.summary(),
  ];
  await takenBack(
    async (inside) => void (await inside.persistIntent(vm, { ...record, name: 'two' }, { enforcementPoints: ['E2'] })),
  );
  await takenBack((inside) => inside.markError(vm, record, 'E1', 'no room'));
  await takenBack((inside) => inside.markDeletionPending(vm, record, 'E1'));
  await takenBack(async (inside) => void (await inside.softDelete(vm, 'kept')));
  await takenBack(async (inside) => void (await inside.delete(vm, 'kept')));
  await takenBack(async (inside) => void (await inside.purge(vm, 'kept')));
  expect([
    await r.getOverallStatusWithEnforcementDetails(vm, 'kept'),
    await r.history(vm, 'kept'),
    await r.summary(),
  ]).toEqual(before);
  expect(await fixture.store.as(pepsi).find(vm, 'kept')).toEqual(record);
});

test('an id is used again in the transaction that deleted it, above the old revision', async () => {
  const { record } = await r.persistIntent(vm, { id: 'again', name: 'old' }, E1);
  const second = await inTransaction(async (inside) => {
    await inside.delete(vm, 'again');
    return (await inside.persistIntent(vm, { id: 'again', name: 'new' }, E1)).record;
  });
  expect(second.revision).toBe(record.revision + 1);
  await expect(r.markSuccess(vm, record, 'E1')).rejects.toThrow(MarkingFailedError);
  expect(await statusLine(r, vm, 'again', 'E1')).toBe('PENDING / PENDING');
});

test('an id is used again right after a purge, and from revision 1', async () => {
  await r.persistIntent(vm, { id: 'anew', name: 'old' }, { enforcementPoints: ['E1', 'E2'] });
  await inTransaction(async (inside) => {
    expect(await inside.purge(vm, 'anew')).toBe(4);
    await expect(inside.getOverallStatus(vm, 'anew')).rejects.toThrow(RecordNotFoundError);
    const { record } = await inside.persistIntent(vm, { id: 'anew', name: 'new' }, { enforcementPoints: ['E3'] });
    expect(record.revision).toBe(1);
  });
  expect(await statusLine(r, vm, 'anew', 'E1', 'E2', 'E3')).toBe('PENDING / UNKNOWN / UNKNOWN / PENDING');
});

test('a transaction of a caller who may only read can read statuses, and change none', async () => {
  await r.persistIntent(vm, { id: 'read', name: '' }, E1);
  const auditor = fixture.store.as({ orgId: 'Pepsi', roles: ['tenant_auditor'] });
  await auditor.transaction(async (tx) => {
    expect(await fixture.realization.in(tx).getOverallStatus(vm, 'read')).toBe('PENDING');
    expect((await fixture.realization.in(tx).summary([vm]))[0]?.overall.PENDING).toBeGreaterThan(0);
  });
  for (const change of [
    (inside: RealizationSession) => inside.markSuccess(vm, { id: 'read', revision: 1 }, 'E1'),
    (inside: RealizationSession) => inside.markDeletionRealized(vm, { id: 'read', revision: 1 }, 'E1'),
    (inside: RealizationSession) => inside.softDelete(vm, 'read'),
    (inside: RealizationSession) => inside.purge(vm, 'read'),
    (inside: RealizationSession) => inside.purgeStaleStatusRecords(vm, 'read'),
  ]) {
    const attempt = auditor.transaction((tx) => change(fixture.realization.in(tx)) as Promise<unknown>);
    await expect(attempt).rejects.toMatchObject({ code: 'OPERATION_NOT_ALLOWED' });
  }
  expect(await statusLine(r, vm, 'read', 'E1')).toBe('PENDING / PENDING');
});

test('a caller whose roles have no mapping is refused everything', async () => {
  const stranger = fixture.realization.as({ orgId: 'Pepsi', roles: ['gardener'] });
  for (const attempt of [
    stranger.getOverallStatus(vm, 'read'),
    stranger.history(vm, 'read'),
    stranger.summary(),
    stranger.persistIntent(vm, { id: 'read', name: '' }),
    stranger.submit.purge(vm, 'read'),
  ]) {
    await expect(attempt).rejects.toMatchObject({ code: 'OPERATION_NOT_ALLOWED' });
  }
});

test('the number of points may change inside one transaction', async () => {
  const { record } = await r.persistIntent(vm, { id: 'several-points', name: 'one' });
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
  expect(await statusLine(r, vm, record.id, '001', '002', '003')).toBe(
    'PENDING / DELETION_PENDING / PENDING / PENDING',
  );
});

test('an intent persisted inside a transaction that rolls back leaves nothing', async () => {
  const id = 'undone';
  const failing = fixture.store.as(pepsi).transaction(async (tx) => {
    await fixture.realization.in(tx).persistIntent(vm, { id, name: 'one' }, { enforcementPoints: ['E1'] });
    expect(await fixture.realization.in(tx).getOverallStatus(vm, id)).toBe('PENDING');
    throw new Error('changed my mind');
  });
  await expect(failing).rejects.toThrow('changed my mind');
  await expect(r.getOverallStatus(vm, id)).rejects.toThrow(RecordNotFoundError);
  await expect(fixture.store.as(pepsi).find(vm, id)).rejects.toThrow(RecordNotFoundError);
});

test('a revision conflict inside a transaction changes nothing and leaves it usable', async () => {
  const { record } = await r.persistIntent(vm, { id: 'conflicting', name: 'one' });
  await fixture.store.as(pepsi).transaction(async (tx) => {
    const inside = fixture.realization.in(tx);
    await expect(inside.persistIntent(vm, { ...record, revision: 9 })).rejects.toThrow(RevisionConflictError);
    const { record: second } = await inside.persistIntent(vm, { ...record, name: 'two' });
    expect(second.revision).toBe(2);
    await expect(inside.persistIntent(vm, { ...record, name: 'three' })).rejects.toThrow(RevisionConflictError);
  });
  expect(await fixture.store.as(pepsi).find(vm, record.id)).toMatchObject({ name: 'two', revision: 2 });
  await expectConsistent(fixture.store, r, record.id, []);
});

test('a mark refused inside a transaction leaves it usable', async () => {
  const { record } = await r.persistIntent(vm, { id: 'refused-mark', name: 'one' });
  await fixture.store.as(pepsi).transaction(async (tx) => {
    const inside = fixture.realization.in(tx);
    await expect(inside.markPending(vm, { id: 'nobody', revision: 1 }, 'E1')).rejects.toThrow(MarkingFailedError);
    await inside.markSuccess(vm, record, 'E1');
  });
  expect(await statusLine(r, vm, record.id, 'E1')).toBe('REALIZED / REALIZED');
});
