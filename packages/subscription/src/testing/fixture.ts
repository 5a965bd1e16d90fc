import {
  citus,
  createDataStore,
  type DataStore,
  type DataStoreOptions,
  defineTable,
  SimpleInstancer,
} from '@intendant/core';
import { eventually, isOnCitus, type TestDatabase, testDatabase } from '@intendant/devdb/testing';
import pg from 'pg';
import { z } from 'zod';
import type { Change } from '../change.ts';
import { createSubscriptions } from '../create-subscriptions.ts';
import type { Subscriptions, SubscriptionsOptions } from '../subscriptions.ts';

export const vm = defineTable('vm', { schema: z.object({ id: z.string(), name: z.string() }), instanced: true });
/** A table whose changes carry the row. */
export const note = defineTable('note', { schema: z.object({ id: z.string(), size: z.bigint() }) });
/** A table that handlers write to. */
export const effect = defineTable('effect', { schema: z.object({ id: z.string(), count: z.int() }) });

export const ROLES = { tenant_admin: 'tenant_writer', service_admin: 'writer' } as const;
export const coke = { orgId: 'Coke', roles: ['tenant_admin'], instanceId: 'Americas' };
export const pepsi = { ...coke, orgId: 'Pepsi' };

/** On a Citus cluster, tables are distributed. */
export const onTestServer: Pick<DataStoreOptions, 'distribution'> = isOnCitus() ? { distribution: citus() } : {};
/** On a Citus cluster, the feed comes from the write-ahead log. */
export const sourceThere: Pick<SubscriptionsOptions, 'source'> = isOnCitus() ? { source: 'replication' } : {};

export interface Fixture extends AsyncDisposable {
  readonly database: TestDatabase;
  readonly store: DataStore;
  readonly subscriptions: Subscriptions;
  /** A superuser's connection. */
  readonly admin: pg.Pool;
  /** Opens subscriptions as another process would; they are closed with the fixture. */
  another(options?: Partial<SubscriptionsOptions>): Promise<Subscriptions>;
  /** Inserts notes of org Coke, one transaction each. */
  writeNotes(...ids: string[]): Promise<void>;
  /**
   * Inserts a note and deletes the log, as retention does. Processes that are open may still deliver the note from memory;
   * another process must be reset.
   */
  writeTrimmedNote(id: string): Promise<void>;
  /** Ends the server sessions that represent the members of durable names. */
  terminateMembers(): Promise<void>;
}

export async function openFixture(options: Partial<SubscriptionsOptions> = {}): Promise<Fixture> {
  const database = await testDatabase();
  const openStore = async () => {
    const opened = await createDataStore({
      connection: database.url,
      adminConnection: database.adminUrl,
      instancer: new SimpleInstancer(),
      ...onTestServer,
    });
    await opened.register([vm, note, effect], { roles: ROLES });
    return opened;
  };
  const store = await openStore();
  const subscriptions = await createSubscriptions({ store, records: [note], ...sourceThere, ...options });
  const admin = new pg.Pool({ connectionString: database.adminUrl, max: 5 });
  const others: DataStore[] = [];
  return {
    database,
    store,
    subscriptions,
    admin,
    another: async (more = {}) => {
      const other = await openStore();
      others.push(other);
      return createSubscriptions({ store: other, ...sourceThere, ...options, ...more });
    },
    writeNotes: async (...ids) => {
      for (const id of ids) await store.as(coke).insert(note, { id, size: 1n });
    },
    writeTrimmedNote: async (id) => {
      await store.as(coke).insert(note, { id, size: 1n });
      await eventually(async () => {
        const { rowCount } = await admin.query('select from intendant.change_log where $1 = any (key)', [id]);
        if (rowCount === 0) throw new Error(`${id} is not in the log yet`);
      });
      await admin.query(`delete from intendant.change_log;
        update intendant.change_log_identity set trimmed_seq = (select last_value from intendant.change_seq)`);
    },
    terminateMembers: async () => {
      await admin.query(
        `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'intendant member' and datname = current_database()`,
      );
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all([store, ...others].map((opened) => opened.close()));
      await admin.end();
      await database.drop();
    },
  };
}

/** Describes a change in a few words. */
export const brief = ({ operation, isSoft, key }: Change): string =>
  `${isSoft ? 'soft ' : ''}${operation} ${String(key['id'])}`;
