import { createDataStore } from '@intendant/core';
import type { Contestant, ContestantOptions } from '../contestant/contestant.ts';
import { benchTable, ROLE_MAPPING, TENANT_ROLES } from '../database/bench-table.ts';
import { type Machine, POOL_SIZE, type TenantStore, tenantContestant } from './tenant-store.ts';

type BenchTable = ReturnType<typeof benchTable>;

/** Ours: row security enabled, with a new session for every call, as a service makes one for every request. */
export async function open({ url, adminUrl, tables }: ContestantOptions): Promise<Contestant> {
  const store = await createDataStore({ connection: url, adminConnection: adminUrl, pool: { max: POOL_SIZE } });
  const definitions = new Map(tables.map((name) => [name, benchTable(name)]));
  await store.register([...definitions.values()], { roles: ROLE_MAPPING });
  const session = (orgId: string) => store.as({ orgId, roles: TENANT_ROLES });
  const definition = (name: string) => definitions.get(name) as BenchTable;
  const tenantStore: TenantStore = {
    find: (table, orgId, id) => session(orgId).find(definition(table), id),
    list: (table, orgId, limit) => session(orgId).findMany(definition(table), { limit }),
    insert: (table, orgId, machine) => session(orgId).insert(definition(table), machine),
    update: (table, orgId, machine) =>
      session(orgId).update(definition(table), machine as Machine & { revision: number }),
    insertMany: (table, orgId, machines) => session(orgId).insertMany(definition(table), machines),
    close: () => store.close(),
  };
  return tenantContestant(tenantStore);
}
