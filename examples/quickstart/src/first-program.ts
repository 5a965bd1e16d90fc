import { createDataStore, defineTable } from '@intendant/core';
import { startDevDatabase } from '@intendant/devdb';
import { createRealization, on } from '@intendant/realization';
import { createSubscriptions } from '@intendant/subscription';
import { z } from 'zod';

const vm = defineTable('vm', { schema: z.object({ id: z.string(), cpus: z.int() }) });
const coke = { orgId: 'Coke', roles: ['tenant_admin'] };
const pepsi = { orgId: 'Pepsi', roles: ['tenant_admin'] };

async function main() {
  const database = await startDevDatabase(); // starts a Postgres, or uses the one in DATABASE_URL
  const store = await createDataStore({ connection: database.url });
  const subscriptions = await createSubscriptions({ store });
  const realization = await createRealization({ store, subscriptions });
  await realization.register([vm], { roles: { tenant_admin: 'tenant_writer' } });
  await subscriptions.subscribe(vm, ({ operation, key }) => console.log('changed:', operation, key));

  const worker = realization.worker({
    enforcementPoint: 'us-west',
    handlers: [
      on(vm, {
        realize: async ({ record }) => console.log(`us-west: ${record.id} runs with ${record.cpus} CPUs`),
        unrealize: async ({ record }) => console.log(`us-west: ${record.id} is gone`),
      }),
    ],
  });
  await worker.start();

  const asCoke = realization.as(coke);
  await asCoke.persistIntent(vm, { id: 'VM1', cpus: 4 }, { enforcementPoints: ['us-west'] });
  console.log('Coke sees:', await asCoke.waitFor(vm, 'VM1', { status: 'REALIZED', timeoutMs: 30_000 }));
  console.log('Pepsi sees:', await store.as(pepsi).findMany(vm));
  await asCoke.softDelete(vm, 'VM1');
  console.log('Coke sees:', await asCoke.waitFor(vm, 'VM1', { status: 'DELETION_REALIZED', timeoutMs: 30_000 }));

  await store.close(); // stops the worker and the subscription too
  await database.stop();
}

await main().catch((error: Error) => {
  console.error(error.message);
  process.exit(1);
});
