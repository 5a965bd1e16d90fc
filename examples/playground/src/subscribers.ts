import type { Subscriptions } from '@intendant/subscription';
import { virtualMachine } from './tables.ts';

const REFUSED_CPUS = 32;

/** Two durable subscribers: one succeeds, and one fails for some changes, which become dead letters. */
export async function startSubscribers(subscriptions: Subscriptions): Promise<void> {
  await subscriptions.subscribe(virtualMachine, async () => {}, { name: 'audit-export' });
  await subscriptions.subscribe(
    virtualMachine,
    async ({ record }) => {
      if (record?.cpus === REFUSED_CPUS) throw new Error(`billing has no price for ${record.cpus} CPUs`);
    },
    { name: 'billing', maxAttempts: 1 },
  );
}
