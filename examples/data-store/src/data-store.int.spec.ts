import { createDataStore, OperationNotAllowedError } from '@intendant/core';
import { testDatabase } from '@intendant/devdb/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { AccountAuthorizer } from './account-authorizer.ts';
import { vm } from './vm.ts';
import * as withDrizzle from './with-drizzle.ts';
import * as withKysely from './with-kysely.ts';

const database = await testDatabase();
const store = await createDataStore({
  connection: database.url,
  adminConnection: database.adminUrl,
  authorizer: new AccountAuthorizer(),
});
const coke = store.as({ company: 'Coke', isOperator: false });
const pepsi = store.as({ company: 'Pepsi', isOperator: false });
const operator = store.as({ isOperator: true });

beforeAll(async () => {
  await store.register([vm]);
  await coke.insertMany(vm, [
    { id: 'c1', name: 'web', region: 'east', cpus: 2 },
    { id: 'c2', name: 'db', region: 'east', cpus: 4 },
    { id: 'c3', name: 'batch', region: 'west', cpus: 8 },
  ]);
  await pepsi.insert(vm, { id: 'p1', name: 'secret', region: 'east', cpus: 64 });
});
afterAll(async () => {
  await store.close();
  await database.drop();
});

test('an authorizer of ten lines separates companies, and lets operators read all', async () => {
  expect((await pepsi.findMany(vm)).map(({ id }) => id)).toEqual(['p1']);
  expect((await operator.findMany(vm)).map(({ id }) => id)).toEqual(['c1', 'c2', 'c3', 'p1']);
  await expect(operator.delete(vm, { id: 'p1', orgId: 'Pepsi' })).rejects.toThrow(OperationNotAllowedError);
  await expect(store.as({ isOperator: false }).findMany(vm)).rejects.toThrow(/belongs to no company/);
});

describe.each([
  ['Kysely', withKysely.cpusByRegion],
  ['Drizzle', withDrizzle.cpusByRegion],
])('%s on tx.client', (_name, cpusByRegion) => {
  test('sees its tenant’s rows alone, and those the transaction has just written', async () => {
    const seen = await coke.transaction(async (tx) => {
      await tx.update(vm, { ...(await tx.find(vm, 'c3')), cpus: 16 });
      const rows = await cpusByRegion(tx);
      await tx.update(vm, { ...(await tx.find(vm, 'c3')), cpus: 8 });
      return rows;
    });
    expect(seen).toEqual([
      { region: 'east', cpus: 6 },
      { region: 'west', cpus: 16 },
    ]);
    expect(await pepsi.transaction(cpusByRegion)).toEqual([{ region: 'east', cpus: 64 }]);
  });

  test('in parallel for many tenants never mixes them up', async () => {
    const all = await Promise.all(
      Array.from({ length: 30 }, (_, index) => (index % 2 === 0 ? coke : pepsi).transaction(cpusByRegion)),
    );
    for (const [index, rows] of all.entries()) expect(rows[0]?.cpus).toBe(index % 2 === 0 ? 6 : 64);
  });
});

test('what Drizzle writes obeys the revision rule, and is rolled back with the transaction', async () => {
  const undone = coke.transaction(async (tx) => {
    expect(await withDrizzle.moveRegion(tx, 'east', 'north')).toEqual([{ id: 'c1' }, { id: 'c2' }]);
    expect(await tx.find(vm, 'c1')).toMatchObject({ region: 'north', revision: 2 });
    throw new Error('no');
  });
  await expect(undone).rejects.toThrow('no');
  expect(await coke.find(vm, 'c1')).toMatchObject({ region: 'east', revision: 1 });
  expect(await pepsi.find(vm, 'p1')).toMatchObject({ region: 'east', revision: 1 });
});

test('what Kysely writes for another tenant is refused', async () => {
  const theft = coke.transaction((tx) =>
    withKysely.kyselyOf(tx).updateTable('vm').set({ org_id: 'Pepsi' }).where('id', '=', 'c1').execute(),
  );
  await expect(theft).rejects.toMatchObject({ code: 'OPERATION_NOT_ALLOWED' });
});
