import { createDataStore, type DataStore, type JwtContext } from '@intendant/core';
import { createRealization, on, type Realization } from '@intendant/realization';
import { createSubscriptions, type Subscriptions } from '@intendant/subscription';
import { billedMachine, machine, ROLES } from './machine.ts';
import type { IdentityProvider } from './tokens.ts';

export interface Service {
  readonly identity: IdentityProvider;
  readonly store: DataStore<JwtContext>;
  readonly realization: Realization<JwtContext>;
  readonly subscriptions: Subscriptions;
  close(): Promise<void>;
}

/** Store, feed and realization. A machine is realized at its site, which is an enforcement point. */
export async function openService(connection: string, identity: IdentityProvider): Promise<Service> {
  const store = await createDataStore({ connection, authorizer: identity.authorizer });
  const subscriptions = await createSubscriptions({ store, records: [machine] });
  const realization = await createRealization({ store, subscriptions });
  await realization.register([machine], { roles: ROLES, placement: ({ site }) => [site] });
  await store.register([billedMachine], { roles: ROLES });
  return { identity, store, realization, subscriptions, close: () => store.close() };
}

/** A worker that simulates the machines' provisioning system at a site. */
export const siteWorker = ({ realization }: Service, site: string) =>
  realization.worker({
    enforcementPoint: site,
    handlers: [
      on(machine, {
        realize: async ({ record }) => {
          if (record.cpus > 256) throw new Error(`site ${site} has no machine with ${record.cpus} CPUs`);
        },
        unrealize: async () => {},
      }),
    ],
  });
