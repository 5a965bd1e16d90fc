import { createDataStore, defineTable } from '@intendant/core';
import { eventually, testDatabase } from '@intendant/devdb/testing';
import { type Change, createSubscriptions } from '@intendant/subscription';
import { afterAll, expect, test } from 'vitest';
import { z } from 'zod';
import { createRealization } from '../realization.ts';

const database = await testDatabase();
const store = await createDataStore({ connection: database.url, adminConnection: database.adminUrl });
const subscriptions = await createSubscriptions({ store, records: ['overall_status_vm', 'enforcement_status_vm'] });
const realization = await createRealization({ store, subscriptions });
const vm = defineTable('vm', { schema: z.object({ id: z.string() }) });
await realization.register([vm], { roles: { tenant_admin: 'tenant_writer' } });
afterAll(async () => {
  await realization.close();
  await store.close();
  await database.drop();
});

test('changes of status tables carry the status by name beside its weight', async () => {
  const context = { orgId: 'Coke', roles: ['tenant_admin'] };
  const seen: Change[] = [];
  const collect = (change: Change) => seen.push(change);
  const overall = await subscriptions.subscribe('overall_status_vm', collect, { as: context });
  const points = await subscriptions.subscribe('enforcement_status_vm', collect);
  await realization.as(context).persistIntent(vm, { id: 'VM1' }, { enforcementPoints: ['E1'] });
  await eventually(() => expect(new Set(seen.map(({ table }) => table)).size).toBe(2));
  for (const { record } of seen) expect(record).toMatchObject({ status: 'PENDING', realization_status: 800 });
  await Promise.all([overall.close(), points.close()]);
});

test('changes of status tables are chosen by the name of the status', async () => {
  const context = { orgId: 'Coke', roles: ['tenant_admin'] };
  const seen: string[] = [];
  const follow = (name: string, status: unknown) =>
    subscriptions.subscribe('overall_status_vm', ({ record }) => seen.push(`${name}: ${record?.['status']}`), {
      as: context,
      where: { status },
    });
  const opened = [
    await follow('one', 'REALIZED'),
    await follow('list', ['ERROR', 'PENDING']),
    await follow('others', { notIn: ['PENDING', 'IN_PROGRESS'] }),
  ];
  const r = realization.as(context);
  await r.persistIntent(vm, { id: 'VM2' }, { enforcementPoints: ['E1'] });
  await r.markSuccess(vm, { id: 'VM2', revision: 1 }, 'E1');
  const wanted = ['list: PENDING', 'one: REALIZED', 'others: REALIZED'];
  await eventually(() => expect(seen.toSorted()).toEqual(wanted));
  for (const wrong of ['REALISED', [], { gt: 'PENDING' }])
    await expect(follow('wrong', wrong)).rejects.toThrow(/compare status by eq, ne, in or notIn with UNKNOWN, /);
  for (const subscription of opened) await subscription.close();
});
