import { createDataStore, type DataStoreOptions, type MetadataContext, SimpleInstancer } from '@intendant/core';
import { isOnCitus, type TestDatabase, testDatabase } from '@intendant/devdb/testing';
import pg from 'pg';
import { afterAll, beforeAll } from 'vitest';
import type { Change } from '../change.ts';
import { createSubscriptions } from '../create-subscriptions.ts';
import type { SubscriptionsOptions } from '../subscriptions.ts';
import { changeCases } from './feed-change-cases.ts';
import { operationCases } from './feed-operation-cases.ts';
import { subscriptionCases } from './feed-subscription-cases.ts';
import type { FeedUnderTest } from './feed-under-test.ts';
import { note, onTestServer, ROLES, vm } from './fixture.ts';

/** The tests that every source of changes must pass. */
export async function feedCases(
  source: Required<SubscriptionsOptions>['source'],
  storeThrough: (database: TestDatabase) => Promise<Partial<DataStoreOptions<MetadataContext>>> = async () => ({}),
): Promise<void> {
  const database = await testDatabase();
  const store = await createDataStore({
    connection: database.url,
    adminConnection: database.adminUrl,
    instancer: new SimpleInstancer(),
    ...onTestServer,
    ...(await storeThrough(database)),
  });
  await store.register([vm], { roles: ROLES });
  const subscriptions = await createSubscriptions({ store, connection: database.url, records: [note], source });
  await store.register([note], { roles: ROLES });
  const admin = new pg.Client(database.adminUrl);

  beforeAll(async () => {
    await admin.connect();
    if (isOnCitus()) await admin.query('set citus.enable_unsafe_triggers = on'); // For tests that change a trigger.
  });
  afterAll(async () => {
    await admin.end();
    await subscriptions.close();
    await store.close();
    await database.drop();
  });

  const collect = async (table: string, options = {}) => {
    const seen: Change[] = [];
    const subscription = await subscriptions.subscribe(table, (change) => seen.push(change), options);
    return { seen, subscription };
  };

  const feed: FeedUnderTest = { source, store, subscriptions, admin, collect };
  changeCases(feed);
  subscriptionCases(feed);
  operationCases(feed);
}
