import { OperationCancelledError } from '@intendant/core';
import { internalsOf } from '@intendant/core/internal';
import { atScale } from '@intendant/devdb/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { RealizationSession } from '../index.ts';
import { coke, type Fixture, openFixture, pepsi, vm } from '../testing/fixture.ts';

let fixture: Fixture;
let r: RealizationSession;
beforeAll(async () => {
  fixture = await openFixture();
  r = fixture.realization.as(pepsi);
});
afterAll(() => fixture[Symbol.asyncDispose]());

const LIMIT = { timeoutMs: 20_000 };
const persist = async (id: string) =>
  (await r.persistIntent(vm, { id, name: 'one' }, { enforcementPoints: ['E1'] })).record;

test('a status that is already reached is returned at once', async () => {
  await persist('already');
  expect(await r.waitFor(vm, 'already', { status: 'PENDING', timeoutMs: 1 })).toBe('PENDING');
  expect(await r.waitFor(vm, 'already', { status: ['REALIZED', 'PENDING'] })).toBe('PENDING');
});

test('a status is returned when it is reached, and so is a failure that was asked for too', async () => {
  const record = await persist('coming');
  const waiting = r.waitFor(vm, 'coming', { status: ['REALIZED', 'ERROR'], ...LIMIT });
  await r.markInProgress(vm, record, 'E1');
  await r.markError(vm, record, 'E1', 'no room');
  expect(await waiting).toBe('ERROR');
});

test('a status of an older revision does not count when a newer one is asked for', async () => {
  const record = await persist('newer');
  await r.markSuccess(vm, record, 'E1');
  const waiting = r.waitFor(vm, 'newer', { status: 'REALIZED', revision: 2, ...LIMIT });
  const second = await persist('newer');
  await r.markSuccess(vm, second, 'E1');
  expect(await waiting).toBe('REALIZED');
  expect((await r.getOverallStatusWithEnforcementDetails(vm, 'newer')).overall.revision).toBe(2);
});

test('the deletion of a resource can be waited for, and its own intent before it is there', async () => {
  const there = r.waitFor(vm, 'later', { status: 'PENDING', ...LIMIT });
  await persist('later');
  await there;
  const gone = r.waitFor(vm, 'later', { status: 'DELETION_REALIZED', ...LIMIT });
  await r.softDelete(vm, 'later');
  await r.markDeletionRealized(vm, { id: 'later', revision: 2 }, 'E1');
  expect(await gone).toBe('DELETION_REALIZED');
});

test('after the time limit, waiting ends with an error that names the status, also for an unknown resource', async () => {
  await persist('slow');
  const late = await r.waitFor(vm, 'slow', { status: 'REALIZED', timeoutMs: 30 }).catch((error: unknown) => error);
  expect(late).toBeInstanceOf(OperationCancelledError);
  expect(late).toMatchObject({ details: { table: 'vm', key: { id: 'slow' }, status: 'PENDING' } });
  await expect(r.waitFor(vm, 'unknown', { status: 'REALIZED', timeoutMs: 30 })).rejects.toThrow('it is nothing');
  const other = fixture.realization.as(coke).waitFor(vm, 'slow', { status: 'PENDING', timeoutMs: 30 });
  await expect(other).rejects.toThrow(OperationCancelledError);
});

test('waiting ends when the signal aborts, also when it had aborted before', async () => {
  await persist('aborted');
  const controller = new AbortController();
  const waiting = r.waitFor(vm, 'aborted', { status: 'REALIZED', signal: controller.signal });
  controller.abort(new Error('never mind'));
  const error = await waiting.catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(OperationCancelledError);
  expect((error as Error).cause).toMatchObject({ message: 'never mind' });
  await expect(r.waitFor(vm, 'aborted', { status: 'REALIZED', signal: AbortSignal.abort() })).rejects.toThrow(
    OperationCancelledError,
  );
});

test('an invalid status is refused', async () => {
  for (const status of ['DONE', undefined, null]) {
    await expect(r.waitFor(vm, 'x', { status: status as never, timeoutMs: 30 })).rejects.toMatchObject({
      code: 'INVALID_RECORD',
    });
  }
});

test('hundreds of waiting calls hold no connection, and each returns its own status', async () => {
  const ids = Array.from({ length: atScale(200, 500) }, (_, index) => `many ${index}`);
  const records = [];
  for (const id of ids) records.push(await persist(id));
  const waiting = ids.map((id) => r.waitFor(vm, id, { status: 'REALIZED', ...LIMIT }));
  const { pool } = internalsOf(fixture.store);
  await r.markSuccess(vm, records, 'E1');
  expect(await Promise.all(waiting)).toEqual(ids.map(() => 'REALIZED'));
  expect(pool.waitingCount).toBe(0);
});
