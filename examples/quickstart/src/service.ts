import { createDataStore, type DataStore, SimpleInstancer } from '@intendant/core';
import { createRealization, type Realization } from '@intendant/realization';
import { createSubscriptions, type Subscriptions } from '@intendant/subscription';
import { findDistribution, turnOnCapture } from './citus.ts';
import { policy, ROLES, vm } from './tables.ts';

export interface Service extends AsyncDisposable {
  readonly store: DataStore;
  readonly subscriptions: Subscriptions;
  readonly realization: Realization;
  /** Whether the tables are distributed by Citus. */
  readonly isDistributed: boolean;
}

/** The three parts on one database, in a schema of the quickstart's own. All processes open the same. */
export async function openService(databaseUrl: string): Promise<Service> {
  const distribution = await findDistribution(databaseUrl);
  const store = await createDataStore({
    ...(distribution && { distribution }),
    connection: databaseUrl,
    schema: 'quickstart',
    instancer: new SimpleInstancer(),
    pool: { max: 4 },
  });
  try {
    await store.register([vm], { roles: ROLES });
    if (distribution) await turnOnCapture(databaseUrl);
    const subscriptions = await createSubscriptions({
      store,
      records: ['enforcement_status_policy'],
      source: distribution ? 'replication' : 'triggers',
    });
    const realization = await createRealization({ store, subscriptions });
    await realization.register([policy], { roles: ROLES });
    // Closing the store also closes what was created on it.
    const isDistributed = distribution !== undefined;
    return { store, subscriptions, realization, isDistributed, [Symbol.asyncDispose]: () => store.close() };
  } catch (error) {
    await store.close();
    throw error;
  }
}
