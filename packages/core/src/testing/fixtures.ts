import { isOnCitus, type TestDatabase, testDatabase, withClient } from '@intendant/devdb/testing';
import type pg from 'pg';
import { z } from 'zod';
import {
  citus,
  createDataStore,
  type DataStore,
  type DataStoreOptions,
  defineTable,
  SimpleInstancer,
} from '../index.ts';

/** The callers in the tests, named as in the seed library's tests. */
export const cokeAdmin = { orgId: 'Coke', roles: ['tenant_admin'] };
export const cokeAuditor = { orgId: 'Coke', roles: ['tenant_auditor'] };
export const pepsiAdmin = { orgId: 'Pepsi', roles: ['tenant_admin'] };
export const serviceAdmin = { roles: ['service_admin'] };
export const inAmericas = <C extends object>(context: C) => ({ ...context, instanceId: 'Americas' });
export const inEurope = <C extends object>(context: C) => ({ ...context, instanceId: 'Europe' });

export const TENANT_ROLES = {
  tenant_auditor: 'tenant_reader',
  tenant_admin: 'tenant_writer',
  service_auditor: 'reader',
  service_admin: 'writer',
} as const;

export const GLOBAL_ROLES = {
  tenant_auditor: 'reader',
  tenant_admin: 'writer',
  service_auditor: 'reader',
  service_admin: 'writer',
} as const;

export const application = defineTable('application', { schema: z.object({ id: z.string(), name: z.string() }) });

export const appUsers = defineTable('app_users', {
  schema: z.object({
    id: z.string(),
    name: z.string(),
    email: z.string(),
    email_confirmed: z.boolean(),
    num_following: z.int32(),
    num_followers: z.bigint(),
    app_id: z.string(),
    msg: z.instanceof(Uint8Array),
  }),
  tenancy: 'shared',
});

/** For every store of the tests: where the run is on Citus, its tables are distributed. */
export const onTestServer: Pick<DataStoreOptions, 'distribution'> = isOnCitus() ? { distribution: citus() } : {};

/** A new database with a store. Both are removed when the test file ends. */
export async function openTestStore(
  options: Partial<DataStoreOptions> = {},
): Promise<{ database: TestDatabase; store: DataStore } & AsyncDisposable> {
  const database = await testDatabase();
  const store = await openStore(database, options);
  return {
    database,
    store,
    [Symbol.asyncDispose]: async () => {
      await store.close();
      await database.drop();
    },
  };
}

export const openStore = (database: TestDatabase, options: Partial<DataStoreOptions> = {}): Promise<DataStore> =>
  createDataStore({
    connection: database.url,
    adminConnection: database.adminUrl,
    instancer: new SimpleInstancer(),
    ...onTestServer,
    ...options,
  });

/**
 * Runs SQL as the administrator of the database, and returns the last result. On Citus statement by statement: it refuses
 * some of them beside others, and triggers unless told not to.
 */
export const adminOf =
  (database: TestDatabase) =>
  (sql: string): Promise<pg.QueryResult> =>
    withClient(database.adminUrl, async (client) => {
      if (!isOnCitus()) return client.query(sql);
      let result = await client.query('set citus.enable_unsafe_triggers = on');
      if (/\$|create (or replace )?function /.test(sql)) return client.query(sql);
      for (const statement of sql.split(/;\s/)) result = await client.query(statement);
      return result;
    });

/**
 * SQL that lets a login use a role's rights without `set role`. Before Postgres 16, inheritance is an attribute of the
 * login and not of the membership.
 */
export const letInherit = (role: string, login: string): string => `do $do$ begin
  if current_setting('server_version_num')::int >= 160000 then execute 'grant ${role} to ${login} with inherit true';
  else execute 'alter role ${login} inherit'; execute 'grant ${role} to ${login}';
  end if;
end $do$`;
