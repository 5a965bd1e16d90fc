import { createDataStore } from '@intendant/core';
import {
  atScale,
  isOnCitus,
  type PgBouncer,
  startPgBouncer,
  testDatabase,
  whyNoPgBouncer,
} from '@intendant/devdb/testing';
import pg from 'pg';
import { afterAll, describe, expect, test } from 'vitest';
import { createSubscriptions } from './create-subscriptions.ts';
import { feedCases } from './testing/feed-cases.ts';

/** A pooler that is not recognized every time would be recognized by luck. */
const ROUNDS = atScale(2, 10);

const reason = whyNoPgBouncer();

describe.skipIf(reason)(
  reason ? `skipped: ${reason}` : 'with the store behind PgBouncer, as the guide sets it up',
  async () => {
    if (reason) return test('is not run', () => {});
    let pooler: PgBouncer | undefined;
    afterAll(() => pooler?.[Symbol.asyncDispose]());
    await feedCases(isOnCitus() ? 'replication' : 'triggers', async (database) => {
      pooler = await startPgBouncer(database);
      return { connection: pooler.url, pool: { namedStatements: false } };
    });
  },
);

describe.skipIf(reason)(reason ? `skipped: ${reason}` : 'a feed whose own connection is a pooler', async () => {
  if (reason) return test('is not run', () => {});
  const database = await testDatabase();
  const store = await createDataStore({ connection: database.url, adminConnection: database.adminUrl });
  afterAll(async () => {
    await store.close();
    await database.drop();
  });

  /** Clients that keep the pooler busy until the returned function is called. */
  function busyClients(url: string): () => Promise<void> {
    const pool = new pg.Pool({ connectionString: url, max: 4 });
    let isOver = false;
    const run = async () => {
      while (!isOver) await pool.query('select pg_sleep(0.002)');
    };
    const running = Promise.all([run(), run(), run(), run()]);
    return async () => {
      isOver = true;
      await running;
      await pool.end();
    };
  }

  test.each([
    ['one server connection', { default_pool_size: 1 }, false],
    ['two', { default_pool_size: 2 }, false],
    ['many, in turn', { default_pool_size: 5, min_pool_size: 5, server_round_robin: 1 }, false],
    ['two, in turn, and other clients', { default_pool_size: 2, server_round_robin: 1 }, true],
    ['many, and other clients', { default_pool_size: 8, min_pool_size: 8 }, true],
    ['one, and other clients', { default_pool_size: 1 }, true],
  ])('is refused by name within a second, with %s', async (_, settings, isBusy) => {
    await using pooler = await startPgBouncer(database, settings);
    const stop = isBusy ? busyClients(pooler.url) : undefined;
    for (let round = 0; round < ROUNDS; round++) {
      const creating = createSubscriptions({ store, connection: pooler.url });
      await expect(creating).rejects.toThrow(/`connection` leads through a pooler in transaction mode/);
    }
    await stop?.();
  });

  test('is taken in session mode, where each client has a server session of its own', async () => {
    await using pooler = await startPgBouncer(database, { pool_mode: 'session', default_pool_size: 20 });
    const subscriptions = await createSubscriptions({ store, connection: pooler.url });
    expect(subscriptions.stats().listener.isConnected).toBe(true);
    await subscriptions.close();
  });
});
