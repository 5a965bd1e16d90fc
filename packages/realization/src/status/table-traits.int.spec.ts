import {
  createDataStore,
  defineTable,
  InvalidRecordError,
  MarkingFailedError,
  RecordNotFoundError,
} from '@intendant/core';
import { cannotHoldOnCitus } from '@intendant/devdb/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { createRealization } from '../index.ts';
import { type Fixture, openFixture, ROLES } from '../testing/fixture.ts';

/*
 * The status store over tables of every kind: statuses live as their resources do, so what holds for one kind must hold
 * for all.
 */

const machine = defineTable('machine', { schema: z.object({ id: z.string() }), instanced: true });
const policy = defineTable('policy', { schema: z.object({ id: z.string() }), tenancy: 'shared' });
const lease = defineTable('lease', { schema: z.object({ id: z.string() }), softDelete: false });
const port = defineTable('port', {
  schema: z.object({ device: z.string(), number: z.int(), speed: z.int() }),
  key: ['device', 'number'],
});
const ordered = defineTable('order', { schema: z.object({ id: z.string(), group: z.string() }) });

const admin = { orgId: 'Pepsi', roles: ['tenant_admin'] };
const service = { roles: ['service_admin'] };

let fixture: Fixture;
beforeAll(async () => {
  fixture = await openFixture({ tables: [machine, policy, lease, port, ordered], hasInstancer: true });
});
afterAll(() => fixture[Symbol.asyncDispose]());

describe('a table with instances', () => {
  const americas = { ...admin, instanceId: 'Americas' };
  const europe = { ...admin, instanceId: 'Europe' };

  test('keeps a status for each instance, which the other neither sees nor moves', async () => {
    const here = fixture.realization.as(americas);
    const there = fixture.realization.as(europe);
    const { record } = await here.persistIntent(machine, { id: 'VM1' }, { enforcementPoints: ['E1'] });
    await expect(there.getOverallStatus(machine, 'VM1')).rejects.toThrow(RecordNotFoundError);
    await expect(there.markSuccess(machine, { id: 'VM1', revision: 1 }, 'E1')).rejects.toThrow(MarkingFailedError);
    await expect(there.markSuccess(machine, record, 'E1')).rejects.toMatchObject({ code: 'OPERATION_NOT_ALLOWED' });
    await there.persistIntent(machine, { id: 'VM1' }, { enforcementPoints: ['E1'] });
    await here.markSuccess(machine, record, 'E1');
    expect(await here.getOverallStatus(machine, 'VM1')).toBe('REALIZED');
    expect(await there.getOverallStatus(machine, 'VM1')).toBe('PENDING');
    expect(await here.purge(machine, 'VM1')).toBe(3);
    expect(await there.getOverallStatus(machine, 'VM1')).toBe('PENDING');
  });
});

test('a read of one resource refuses a key that several tenants have, until it names the org', async () => {
  const all = fixture.realization.as(service);
  for (const orgId of ['Pepsi', 'Coke'])
    await fixture.realization
      .as({ ...admin, orgId })
      .persistIntent(lease, { id: 'shared' }, { enforcementPoints: ['E1'] });
  const wanted = { status: 'PENDING', timeoutMs: 20_000 } as const;
  const reads = [
    (key: never) => all.getOverallStatus(lease, key),
    (key: never) => all.getOverallStatusWithEnforcementDetails(lease, key),
    (key: never) => all.statuses(lease, [key]),
    (key: never) => all.history(lease, key),
    (key: never) => all.detail(lease, key),
    (key: never) => all.waitFor(lease, key, wanted),
  ];
  for (const read of reads) {
    await expect(read('shared' as never)).rejects.toThrow(InvalidRecordError);
    expect(await read({ id: 'shared', orgId: 'Coke' } as never)).toBeDefined();
  }
  expect(await all.history(lease, { id: 'shared', orgId: 'Coke' })).toHaveLength(1);
});

describe.skipIf(cannotHoldOnCitus('instanced tables need an instancer there'))(
  'a table with instances, on a store without an instancer',
  () => {
    const americas = { ...admin, instanceId: 'Americas' };

    test('is changed by resources that name their instance, never moves one, and refuses a key that names none', async () => {
      await using store = await createDataStore({ connection: fixture.url, adminConnection: fixture.adminUrl });
      await using realization = await createRealization({ store, subscriptions: undefined, maintenance: false });
      await realization.register([machine], { roles: ROLES });
      const [here, r] = [fixture.realization.as(americas), realization.as(admin)];
      await here.persistIntent(machine, { id: 'VM5' }, { enforcementPoints: ['E1'] });
      const named = { id: 'VM5', instanceId: 'Americas' };
      expect(await r.getOverallStatus(machine, 'VM5')).toBe('PENDING');
      const calls = [
        () => r.persistIntent(machine, { id: 'VM5' }),
        () => r.persistIntents(machine, [{ id: 'VM5' }]),
        () => r.submit.persistIntent(machine, { id: 'VM5' }),
        () => r.markSuccess(machine, { id: 'VM5', revision: 1 }, 'E1'),
        () => r.softDelete(machine, 'VM5'),
        () => r.delete(machine, 'VM5'),
        () => r.purge(machine, 'VM5'),
      ];
      for (const call of calls)
        await expect(call()).rejects.toMatchObject({
          code: 'INVALID_RECORD',
          message: expect.stringContaining('name the instanceId'),
        });
      const found = await store.as(admin).find(machine, 'VM5');
      expect((await r.persistIntent(machine, found)).record).toMatchObject({ ...named, revision: 2 });
      await r.markSuccess(machine, { ...named, revision: 2 }, 'E1');
      expect(await here.getOverallStatus(machine, 'VM5')).toBe('REALIZED');
      expect((await r.softDelete(machine, named)).record).toMatchObject({ ...named, revision: 3 });
      expect(await here.getOverallStatus(machine, 'VM5')).toBe('DELETION_PENDING');
      expect(await store.as(admin).count(machine, { where: { id: 'VM5' } })).toBe(0);
    });
  },
);

describe('a table that all tenants share', () => {
  test('has one status for all', async () => {
    const writer = fixture.realization.as(service);
    const { record } = await writer.persistIntent(policy, { id: 'P1' }, { enforcementPoints: ['E1'] });
    await writer.markError(policy, record, 'E1', 'no room');
    expect(await fixture.realization.as(admin).getOverallStatus(policy, 'P1')).toBe('ERROR');
    await fixture.realization.as({ ...admin, orgId: 'Coke' }).markSuccess(policy, record, 'E1');
    expect(await writer.getOverallStatus(policy, 'P1')).toBe('REALIZED');
  });
});

describe('a table without soft deletion', () => {
  test('has resources that live, end and are purged like others', async () => {
    const r = fixture.realization.as(admin);
    const { record } = await r.persistIntent(lease, { id: 'L1' }, { enforcementPoints: ['E1'] });
    await r.markSuccess(lease, record, 'E1');
    expect(await r.purgeStaleStatusRecords(lease, 'L1')).toBe(0);
    expect(await r.delete(lease, 'L1')).toBe(1);
    await r.markDeletionRealized(lease, record, 'E1');
    expect(await r.getOverallStatus(lease, 'L1')).toBe('DELETION_REALIZED');
    expect(await r.purgeStaleStatusRecords(lease, 'L1')).toBe(2);
    await expect(r.getOverallStatus(lease, 'L1')).rejects.toThrow(RecordNotFoundError);
  });

  test('refuses to hide one, and names the method to call instead', async () => {
    const r = fixture.realization.as(admin);
    const { record } = await r.persistIntent(lease, { id: 'L2' }, { enforcementPoints: ['E1'] });
    await expect(r.softDelete(lease, 'L2')).rejects.toMatchObject({ code: 'CONFIGURATION' });
    await expect(r.softDelete(lease, 'L2')).rejects.toThrow('use delete');
    expect(await r.getOverallStatus(lease, record.id)).toBe('PENDING');
  });
});

describe('a table with a key of several columns', () => {
  test('marks the one resource that all of them name, also in sets', async () => {
    const r = fixture.realization.as(admin);
    const ports = [];
    for (const number of [1, 2, 10]) {
      ports.push(
        (await r.persistIntent(port, { device: 'D', number, speed: 10 }, { enforcementPoints: ['E1'] })).record,
      );
    }
    await r.markInProgress(port, ports, 'E1');
    await r.markSuccess(port, { device: 'D', number: 10, revision: 1 }, 'E1');
    const statusOf = (number: number) => r.getOverallStatus(port, { device: 'D', number });
    expect([await statusOf(1), await statusOf(2), await statusOf(10)]).toEqual([
      'IN_PROGRESS',
      'IN_PROGRESS',
      'REALIZED',
    ]);
    await expect(r.getOverallStatus(port, 'D' as never)).rejects.toMatchObject({ code: 'INVALID_RECORD' });
  });
});

describe('a table whose name and columns are reserved words', () => {
  test('is realized like others', async () => {
    const r = fixture.realization.as(admin);
    const { record } = await r.persistIntent(ordered, { id: 'O"1', group: 'g' }, { enforcementPoints: [`E'1`] });
    await r.markSuccess(ordered, record, `E'1`);
    expect(await r.getOverallStatus(ordered, 'O"1')).toBe('REALIZED');
    expect((await r.softDelete(ordered, 'O"1')).rowsAffected).toBe(1);
  });
});
