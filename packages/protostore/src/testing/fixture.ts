import { citus, createDataStore, type DataStore, type DataStoreOptions, SimpleInstancer } from '@intendant/core';
import { isOnCitus, type TestDatabase, testDatabase } from '@intendant/devdb/testing';
import { createProtoStore, defineMessage, type ProtoStore, type ProtoStoreOptions } from '../index.ts';
import { EveryKindSchema } from './gen/hardware/v1/every_kind_pb.js';
import { CpuSchema, DiskSchema, MemorySchema } from './gen/hardware/v1/hardware_pb.js';

export const americasPepsi = { orgId: 'Pepsi', roles: ['tenant_admin'], instanceId: 'Americas' };
export const americasCoke = { orgId: 'Coke', roles: ['tenant_admin'], instanceId: 'Americas' };
export const europePepsi = { orgId: 'Pepsi', roles: ['tenant_admin'], instanceId: 'Europe' };
export const pepsiAuditor = { orgId: 'Pepsi', roles: ['tenant_auditor'], instanceId: 'Americas' };
export const serviceAdmin = { roles: ['service_admin'], instanceId: 'Americas' };

export const TENANT_ROLES = {
  tenant_auditor: 'tenant_reader',
  tenant_admin: 'tenant_writer',
  service_auditor: 'reader',
  service_admin: 'writer',
} as const;

const cpuDefinition = defineMessage(CpuSchema, {
  table: 'processor',
  indexes: [['brand', 'numberCores'], ['maxGhz']],
  indexesParent: true,
});

/** For every store of the tests: where the run is on Citus, its tables are distributed. */
const onTestServer: Pick<DataStoreOptions, 'distribution'> = isOnCitus() ? { distribution: citus() } : {};

export interface Fixture extends AsyncDisposable {
  readonly database: TestDatabase;
  readonly store: DataStore;
  readonly protoStore: ProtoStore;
}

/** A new database, with the tests' message types registered. */
export async function openFixture(
  options: ProtoStoreOptions & Pick<DataStoreOptions, 'pool' | 'distribution'> = {},
): Promise<Fixture> {
  const database = await testDatabase();
  const { pool, distribution, ...protoOptions } = { ...onTestServer, ...options };
  const store = await openStore(database, {
    instancer: new SimpleInstancer(),
    ...(pool && { pool }),
    distribution,
  });
  const protoStore = createProtoStore(store, protoOptions);
  await protoStore.register([cpuDefinition, MemorySchema, DiskSchema, EveryKindSchema], { roles: TENANT_ROLES });
  return {
    database,
    store,
    protoStore,
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
    ...onTestServer,
    ...options,
  });
