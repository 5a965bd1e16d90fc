import { createDataStore, type DataStore } from '@intendant/core';
import { createRealization, type Realization } from '@intendant/realization';
import { createSubscriptions, type Subscriptions } from '@intendant/subscription';
import type { Logins } from './logins.ts';
import { firewallRule, ROLES, virtualMachine } from './tables.ts';

export interface Service {
  readonly store: DataStore;
  readonly subscriptions: Subscriptions;
  readonly realization: Realization;
}

/** The three parts on one database. */
export async function openService({ application, admin }: Logins): Promise<Service> {
  const store = await createDataStore({
    connection: application,
    adminConnection: admin,
    pool: { max: 30 }, // shared by forty workers, the traffic and the console
  });
  const subscriptions = await createSubscriptions({ store, records: [virtualMachine, firewallRule] });
  const realization = await createRealization({ store, subscriptions });
  await realization.register([virtualMachine, firewallRule], { roles: ROLES });
  return { store, subscriptions, realization };
}
