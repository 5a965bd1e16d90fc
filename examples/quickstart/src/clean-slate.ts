import type { Position } from '@intendant/subscription';
import type { Service } from './service.ts';
import { CALLERS, policy, vm } from './tables.ts';
import { Witness } from './witness.ts';

/** Removes what an earlier run left in this database. Returns the position in the feed after that. */
export async function cleanSlate(service: Service): Promise<Position> {
  const { store, subscriptions, realization } = service;
  for (const caller of Object.values(CALLERS)) await store.as(caller).delete(vm, 'VM1');
  await realization.as(CALLERS['Coke/Americas']).purge(policy, 'P1');
  if (service.isDistributed) await untilFeedIsCurrent(service);
  const subscription = await subscriptions.subscribe(policy, () => {});
  await subscription.close();
  return subscription.position;
}

/**
 * On Citus the feed may still have to read what an interrupted run wrote. The changes of each node arrive in order, so when
 * the newest ones are there, of the policy on its node and of its status on the coordinator, so are all older ones.
 */
async function untilFeedIsCurrent({ subscriptions, realization }: Service): Promise<void> {
  const id = `P-${Date.now()}`;
  const witness = new Witness();
  const follow = (table: string) =>
    subscriptions.subscribe(table, ({ key, operation }) => witness.hear(`${key['id']} in ${table}`, operation));
  const tables = [policy.name, `overall_status_${policy.name}`];
  const followed = await Promise.all(tables.map(follow));
  const coke = realization.as(CALLERS['Coke/Americas']);
  await coke.persistIntent(policy, { id, name: 'newest', allowedPorts: [] });
  await coke.purge(policy, id);
  for (const table of tables) await witness.untilSaw(`${id} in ${table}`, 'delete');
  await Promise.all(followed.map((subscription) => subscription.close()));
}
