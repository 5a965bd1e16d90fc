import {
  citus,
  createDataStore,
  type DataStore,
  type DataStoreOptions,
  defineTable,
  SimpleInstancer,
} from '@intendant/core';
import { internalsOf } from '@intendant/core/internal';
import { isOnCitus, startPgBouncer, testDatabase, withClient } from '@intendant/devdb/testing';
import { createSubscriptions, type Subscriptions, type SubscriptionsOptions } from '@intendant/subscription';
import type { Logger } from 'pino';
import { z } from 'zod';
import { createRealization, type Realization, type RealizationOptions } from '../index.ts';

export const vm = defineTable('vm', { schema: z.object({ id: z.string(), name: z.string() }) });

export const rule = defineTable('rule', { schema: z.object({ id: z.string(), port: z.int() }) });

export const ROLES = {
  tenant_admin: 'tenant_writer',
  tenant_auditor: 'tenant_reader',
  service_admin: 'writer',
} as const;

export const pepsi = { orgId: 'Pepsi', roles: ['tenant_admin'] };
export const coke = { orgId: 'Coke', roles: ['tenant_admin'] };

/** For every store of the tests: where the run is on Citus, its tables are distributed, and instanced tables need an instancer. */
export const onTestServer: Pick<DataStoreOptions, 'distribution'> = isOnCitus() ? { distribution: citus() } : {};

/** For every feed of the tests: where tables are distributed, it reads the nodes' logs. */
export const feedThere: Pick<SubscriptionsOptions, 'source'> = isOnCitus() ? { source: 'replication' } : {};

/** A new database with a store and a realization on it. */
export interface Fixture extends AsyncDisposable {
  readonly store: DataStore;
  readonly subscriptions: Subscriptions;
  readonly realization: Realization;
  readonly url: string;
  readonly adminUrl: string;
  /** Removes all rows and all jobs. */
  empty(): Promise<void>;
}

export interface FixtureOptions {
  readonly tables?: Parameters<Realization['register']>[0];
  readonly hasInstancer?: boolean;
  readonly logger?: Logger;
  readonly poolSize?: number;
  /** Tables whose changes carry the record. Default: none. */
  readonly records?: readonly string[];
  /** Default settings of the database, e.g. `{ default_transaction_isolation: 'serializable' }`. */
  readonly presets?: Readonly<Record<string, string>>;
  /** Puts PgBouncer in transaction mode in front of the store, as the guide sets it up. Default: if INTENDANT_TEST_POOLED is 1. */
  readonly isPooled?: boolean;
  /** Default: as the realization's. */
  readonly maintenance?: RealizationOptions['maintenance'];
}

/** Some specs keep several transactions open at a time, so then the pooler has more connections than its default of two. */
const isWholeSuitePooled = process.env['INTENDANT_TEST_POOLED'] === '1';

export async function openFixture({
  tables = [vm],
  hasInstancer = false,
  logger,
  poolSize,
  records = [],
  presets = {},
  isPooled = isWholeSuitePooled,
  maintenance,
}: FixtureOptions = {}): Promise<Fixture> {
  const database = await testDatabase();
  for (const [name, value] of Object.entries(presets))
    await withClient(database.adminUrl, (client) =>
      client.query(`alter database ${database.name} set ${name} to '${value}'`),
    );
  const pooler = isPooled
    ? await startPgBouncer(database, isWholeSuitePooled ? { default_pool_size: 20 } : {})
    : undefined;
  const store = await createDataStore({
    connection: pooler?.url ?? database.url,
    adminConnection: database.adminUrl,
    ...onTestServer,
    ...(hasInstancer && { instancer: new SimpleInstancer() }),
    ...(logger && { logger }),
    pool: { ...(poolSize !== undefined && { max: poolSize }), ...(isPooled && { namedStatements: false }) },
  });
  const subscriptions = await createSubscriptions({ store, connection: database.url, records, ...feedThere });
  const realization = await createRealization({
    store,
    subscriptions,
    ...(maintenance !== undefined && { maintenance }),
  });
  await realization.register(tables, { roles: ROLES });
  return {
    store,
    subscriptions,
    realization,
    url: database.url,
    adminUrl: database.adminUrl,
    empty: () => truncateAll(store),
    async [Symbol.asyncDispose]() {
      await realization.close();
      await subscriptions.close();
      await store.close();
      await pooler?.[Symbol.asyncDispose]();
      await database.drop();
    },
  };
}

async function truncateAll(store: DataStore): Promise<void> {
  const { withAdmin, tables } = internalsOf(store);
  const names = [...tables().map(({ qualifiedName }) => qualifiedName), 'intendant_jobs.job'];
  await withAdmin((client) => client.query(`truncate ${names.join(', ')} cascade`));
}
