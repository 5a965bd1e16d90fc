import { createDataStore, type DataStore } from '@intendant/core';
import { type TestDatabase, testDatabase } from '@intendant/devdb/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Inventory } from './inventory.ts';
import { machine, ROLES } from './machine.ts';
import { isPrismaInstalled, loadPrismaInventory } from './prisma.ts';
import { relocate } from './relocate.ts';
import { drizzleInventory } from './with-drizzle.ts';
import { kyselyInventory } from './with-kysely.ts';
import { sqlInventory } from './with-sql.ts';

let database: TestDatabase;
let store: DataStore;

const as = (orgId: string, role = 'tenant_admin') => store.as({ orgId, roles: [role] });

beforeAll(async () => {
  database = await testDatabase();
  store = await createDataStore({ connection: database.url, adminConnection: database.adminUrl });
  await store.register([machine], { roles: ROLES });
});
afterAll(async () => {
  await store?.close();
  await database?.drop();
});
beforeEach(async () => {
  for (const orgId of ['Coke', 'Pepsi']) {
    await as(orgId).deleteMany(machine, { where: {} });
    await as(orgId).insert(machine, { id: 'm1', site: 'berlin', cpus: 4 });
  }
});

const READY = [sqlInventory, kyselyInventory, drizzleInventory].map((inventory) => ({
  name: inventory.name,
  load: async () => inventory,
}));
const PRISMA = { name: 'Prisma', load: loadPrismaInventory };

if (!isPrismaInstalled())
  console.warn('Prisma is not tested: npm run example -- orm installs it in examples/orm/prisma.');

describe.each(isPrismaInstalled() ? [...READY, PRISMA] : READY)('$name', ({ load }) => {
  let inventory: Inventory;
  beforeAll(async () => {
    inventory = await load();
  });

  test('reads and writes in the transaction of the session, and commits with it', async () => {
    expect(await relocate(store, 'Coke', inventory)).toEqual({
      before: [{ site: 'berlin', cpus: 20 }],
      moved: ['m1', 'new'],
      after: [{ site: 'oslo', cpus: 20 }],
    });
    expect(await as('Coke').find(machine, 'm1')).toMatchObject({ site: 'oslo', revision: 2 });
    expect(await as('Pepsi').find(machine, 'm1')).toMatchObject({ site: 'berlin', revision: 1 });
  });

  test('rolls back with the transaction', async () => {
    const failed = as('Coke').transaction(
      async (tx) => {
        await inventory.moveMachines(tx, 'berlin', 'oslo');
        throw new Error('not today');
      },
      { tables: [machine] },
    );
    await expect(failed).rejects.toThrow('not today');
    expect(await as('Coke').find(machine, 'm1')).toMatchObject({ site: 'berlin', revision: 1 });
  });

  test('changes nothing for a role that may only read', async () => {
    const move = as('Coke', 'tenant_auditor').transaction((tx) => inventory.moveMachines(tx, 'berlin', 'oslo'), {
      tables: [machine],
    });
    await expect(move).rejects.toThrow();
    expect(await as('Pepsi').find(machine, 'm1')).toMatchObject({ site: 'berlin' });
  });
});
