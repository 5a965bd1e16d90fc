import { type TestDatabase, testDatabase } from '@intendant/devdb/testing';
import { z } from 'zod';
import { createDataStore, type DataStore, type DataStoreOptions, defineTable, SimpleInstancer } from '../index.ts';

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
    ...options,
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
