// The same transaction with plain SQL, Kysely, Drizzle and Prisma: npm run example -- orm
import { createDataStore, type DataStore } from '@intendant/core';
import { startDevDatabase } from '@intendant/devdb';
import type { Inventory, SiteTotal } from './inventory.ts';
import { machine, ROLES } from './machine.ts';
import { installPrisma, isPrismaInstalled, loadPrismaInventory } from './prisma.ts';
import { relocate } from './relocate.ts';
import { drizzleInventory } from './with-drizzle.ts';
import { kyselyInventory } from './with-kysely.ts';
import { sqlInventory } from './with-sql.ts';

const TENANTS = ['Coke', 'Pepsi'];

/** The libraries, and Prisma where it can be installed. */
async function inventories(): Promise<readonly Inventory[]> {
  const ready = [sqlInventory, kyselyInventory, drizzleInventory];
  try {
    if (!isPrismaInstalled()) console.log('Installing Prisma in examples/orm/prisma (once, about half a minute) …');
    await installPrisma();
    return [...ready, await loadPrismaInventory()];
  } catch (error) {
    console.log(`Prisma is left out, since it cannot be installed: ${(error as Error).message}`);
    return ready;
  }
}

/** Two machines for each tenant, as at the start. */
async function reset(store: DataStore): Promise<void> {
  for (const orgId of TENANTS) {
    const session = store.as({ orgId, roles: ['tenant_admin'] });
    await session.deleteMany(machine, { where: {} });
    await session.insertMany(machine, [
      { id: 'm1', site: 'berlin', cpus: 4 },
      { id: 'm2', site: 'oslo', cpus: 8 },
    ]);
  }
}

const print = (totals: readonly SiteTotal[]): string => totals.map(({ site, cpus }) => `${site} ${cpus}`).join(', ');

async function show(store: DataStore, inventory: Inventory): Promise<void> {
  await reset(store);
  const startedAt = performance.now();
  const { before, moved, after } = await relocate(store, 'Coke', inventory);
  const ms = (performance.now() - startedAt).toFixed(0);
  const pepsi = await store
    .as({ orgId: 'Pepsi', roles: ['tenant_admin'] })
    .transaction((tx) => inventory.cpusBySite(tx), { tables: [machine] });
  console.log(`\n${inventory.name} (${ms} ms)`);
  console.log(`  Coke, with the machine just inserted   ${print(before)}`);
  console.log(`  Coke moves                             ${moved.join(', ')}`);
  console.log(`  Coke, after the move                   ${print(after)}`);
  console.log(`  Pepsi, in a transaction of its own     ${print(pepsi)}`);
}

async function main(): Promise<void> {
  const libraries = await inventories();
  await using database = await startDevDatabase();
  await using store = await createDataStore({ connection: database.url });
  await store.register([machine], { roles: ROLES });
  for (const inventory of libraries) await show(store, inventory);
}

await main().catch((error: Error) => {
  console.error(error.message);
  process.exitCode = 1;
});
