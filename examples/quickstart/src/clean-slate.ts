import type { Position } from '@intendant/subscription';
import type { Service } from './service.ts';
import { CALLERS, policy, vm } from './tables.ts';

/** Removes what an earlier run left in this database. Returns the position in the feed after that. */
export async function cleanSlate({ store, subscriptions, realization }: Service): Promise<Position> {
  for (const caller of Object.values(CALLERS)) await store.as(caller).delete(vm, 'VM1');
  await realization.as(CALLERS['Coke/Americas']).purge(policy, 'P1');
  const subscription = await subscriptions.subscribe(policy, () => {});
  await subscription.close();
  return subscription.position;
}
