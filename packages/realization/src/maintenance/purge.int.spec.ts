import { RecordNotFoundError } from '@intendant/core';
import { eventually } from '@intendant/devdb/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createRealization, on, type RealizationSession } from '../index.ts';
import { type Fixture, openFixture, pepsi, vm } from '../testing/fixture.ts';
import { statusLine } from '../testing/statuses.ts';

let fixture: Fixture;
let r: RealizationSession;
beforeAll(async () => {
  fixture = await openFixture({ maintenance: { purgeAfterMs: 0 } });
  r = fixture.realization.as(pepsi);
});
afterAll(() => fixture[Symbol.asyncDispose]());

const LIMIT = { timeoutMs: 20_000 };
const persist = async (id: string) =>
  (await r.persistIntent(vm, { id, name: 'one' }, { enforcementPoints: ['E1', 'E2'] })).record;
const find = (id: string) => fixture.store.as(pepsi).find(vm, id, { includeDeleted: true });

test('a deleted resource is unrealized everywhere, and then every trace of it is purged', async () => {
  const unrealized: string[] = [];
  const workers = ['E1', 'E2'].map((enforcementPoint) =>
    fixture.realization.worker({
      enforcementPoint,
      handlers: [on(vm, { realize: async () => {}, unrealize: async () => void unrealized.push(enforcementPoint) })],
    }),
  );
  await Promise.all(workers.map((worker) => worker.start()));
  await persist('VM1');
  await r.waitFor(vm, 'VM1', { status: 'REALIZED', ...LIMIT });
  await r.softDelete(vm, 'VM1');
  await eventually(() => expect(find('VM1')).rejects.toThrow(RecordNotFoundError), LIMIT);
  await expect(r.getOverallStatus(vm, 'VM1')).rejects.toThrow(RecordNotFoundError);
  expect(unrealized.sort()).toEqual(['E1', 'E2']);
  expect((await persist('VM1')).revision).toBe(1);
  await r.waitFor(vm, 'VM1', { status: 'REALIZED', ...LIMIT });
  await Promise.all(workers.map((worker) => worker.stop()));
});

test('resources that are still being removed somewhere, and restored ones, are kept', async () => {
  fixture.realization.maintenance.start();
  const gone = await persist('gone');
  const busy = await persist('busy');
  const nowhere = (await r.persistIntent(vm, { id: 'nowhere', name: '' })).record;
  for (const { id } of [gone, busy, nowhere]) await r.softDelete(vm, id);
  await r.markDeletionRealized(vm, { id: 'busy', revision: 2 }, 'E1');
  for (const point of ['E1', 'E2']) await r.markDeletionRealized(vm, { id: 'gone', revision: 2 }, point);
  for (const id of ['gone', 'nowhere'])
    await eventually(() => expect(find(id)).rejects.toThrow(RecordNotFoundError), LIMIT);
  expect(await statusLine(r, vm, 'busy', 'E1', 'E2')).toBe('DELETION_PENDING / DELETION_REALIZED / DELETION_PENDING');
  const back = (await r.persistIntent(vm, { id: 'busy', name: 'again' }, { enforcementPoints: ['E2'] })).record;
  expect(back.revision).toBe(3);
  await r.markSuccess(vm, back, 'E2');
  await persist('marker');
  await r.softDelete(vm, 'marker');
  for (const point of ['E1', 'E2']) await r.markDeletionRealized(vm, { id: 'marker', revision: 2 }, point);
  await eventually(() => expect(find('marker')).rejects.toThrow(RecordNotFoundError), LIMIT);
  expect(await statusLine(r, vm, 'busy', 'E2')).toBe('REALIZED / REALIZED');
});

test('removed resources are kept for the retention time, and a retention that is not a number is refused', async () => {
  await using kept = await openFixture({ maintenance: { purgeAfterMs: 3_600_000 } });
  const session = kept.realization.as(pepsi);
  await session.persistIntent(vm, { id: 'VM1', name: '' }, { enforcementPoints: ['E1'] });
  await session.softDelete(vm, 'VM1');
  await session.markDeletionRealized(vm, { id: 'VM1', revision: 2 }, 'E1');
  kept.realization.maintenance.start();
  await kept.realization.maintenance.stop();
  expect(await session.getOverallStatus(vm, 'VM1')).toBe('DELETION_REALIZED');
  const wrong = { purgeAfterMs: '7d' as never };
  for (const options of [{ maintenance: wrong }, { caretaker: wrong }])
    await expect(createRealization({ store: kept.store, subscriptions: undefined, ...options })).rejects.toMatchObject({
      code: 'CONFIGURATION',
      message: expect.stringContaining('purgeAfterMs'),
    });
});
