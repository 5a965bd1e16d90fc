import { type AnyTable, createDataStore, type DataStore } from '@intendant/core';
import { internalsOf } from '@intendant/core/internal';
import { realizationPart, registeredTables } from '@intendant/realization/internal';
import type { SourceKind } from '@intendant/subscription';
import { changeLogPart } from '@intendant/subscription/internal';
import type { Settings } from '../config/settings.ts';
import { wrongUse } from '../run/command-error.ts';

/** Number of changes in one partition of the log: the default of `createSubscriptions`. */
const PARTITION_SIZE = 1_000_000;

/** The SQL that `applySchema` would run. */
export async function planSchema(settings: Settings): Promise<string[]> {
  const tables = tablesOf(settings);
  await using store = await openStore(settings, 'none');
  addParts(store, settings);
  return store.planSchema(tables);
}

/** Changes the database to what the tables of the configuration need. */
export async function applySchema(settings: Settings): Promise<void> {
  const tables = tablesOf(settings);
  await using store = await openStore(settings, 'apply');
  addParts(store, settings);
  await store.register(tables);
}

function tablesOf({ tables = [], plainTables = [] }: Settings): AnyTable[] {
  if (tables.length + plainTables.length === 0)
    throw wrongUse('the schema comes from table definitions; name them as tables in intendant.config.ts');
  return [...plainTables, ...(tables.length > 0 ? registeredTables(tables) : [])];
}

/** The schema of the feed and of the realization. */
function addParts(store: DataStore, settings: Settings): void {
  const { feed, records = [], tables = [] } = settings;
  const source = sourceOf(settings);
  const internals = internalsOf(store);
  const recordTables = new Set(records.map((table) => (typeof table === 'string' ? table : table.name)));
  if (feed !== false)
    internals.addSchemaPart(changeLogPart({ internals, records: recordTables, partitionSize: PARTITION_SIZE, source }));
  if (tables.length > 0) internals.addSchemaPart(realizationPart(internals));
}

/** A trigger on a node of Citus cannot reach the log. */
function sourceOf({ source, distribution }: Settings): SourceKind {
  if (distribution !== undefined && source === 'triggers')
    throw wrongUse(
      "on Citus the feed comes from the write-ahead log of each node: leave source out, or name 'replication'",
    );
  return source ?? (distribution === undefined ? 'triggers' : 'replication');
}

const openStore = (settings: Settings, schemaChanges: 'apply' | 'none'): Promise<DataStore> => {
  const { connection, adminConnection, instancer, schema, rolePrefix, distribution } = settings;
  return createDataStore({
    connection,
    adminConnection,
    schemaChanges,
    distribution,
    ...(instancer !== undefined && { instancer }),
    ...(schema !== undefined && { schema }),
    ...(rolePrefix !== undefined && { rolePrefix }),
  });
};
