import { createDataStore, type DataStore, defineTable, SimpleInstancer } from '@intendant/core';
import { internalsOf } from '@intendant/core/internal';
import { testDatabase } from '@intendant/devdb/testing';
import { createSubscriptions, type Subscriptions } from '@intendant/subscription';
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

/** A database of one's own with a store and a realization on it. */
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
  /** Default: as the realization's. */
  readonly maintenance?: RealizationOptions['maintenance'];
}

export async function openFixture({
  tables = [vm],
  hasInstancer = false,
  logger,
  poolSize,
  maintenance,
}: FixtureOptions = {}): Promise<Fixture> {
  const database = await testDatabase();
  const store = await createDataStore({
    connection: database.url,
    adminConnection: database.adminUrl,
    ...(hasInstancer && { instancer: new SimpleInstancer() }),
    ...(logger && { logger }),
    ...(poolSize !== undefined && { pool: { max: poolSize } }),
  });
  const subscriptions = await createSubscriptions({ store });
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
      await database.drop();
    },
  };
}

async function truncateAll(store: DataStore): Promise<void> {
  const { withAdmin, tables } = internalsOf(store);
  const names = [...tables().map(({ qualifiedName }) => qualifiedName), 'intendant_jobs.job'];
  await withAdmin((client) => client.query(`truncate ${names.join(', ')} cascade`));
}
