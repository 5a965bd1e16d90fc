import { auditIsolation, createDataStore, defineTable, SimpleInstancer } from '@intendant/core';
import { testDatabase } from '@intendant/devdb/testing';
import { createSubscriptions } from '@intendant/subscription';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { createRealization } from './index.ts';

const vm = defineTable('vm', { schema: z.object({ id: z.string(), region: z.string() }), instanced: true });

test('with realization and a feed installed, the audit of the database finds nothing', async () => {
  await using database = await testDatabase();
  await using store = await createDataStore({
    connection: database.url,
    adminConnection: database.adminUrl,
    instancer: new SimpleInstancer(),
  });
  await using subscriptions = await createSubscriptions({ store });
  await using realization = await createRealization({ store, subscriptions });
  await realization.register([vm], { roles: { tenant_admin: 'tenant_writer' } });
  const session = realization.as({ orgId: 'Coke', instanceId: 'Americas', roles: ['tenant_admin'] });
  await session.persistIntent(vm, { id: 'VM1', region: 'us-west-1' }, { enforcementPoints: ['E1'] });
  expect(await auditIsolation(store)).toEqual([]);
});
