import type { DataStoreInternals } from '@intendant/core/internal';
import { qualifiedName } from '@intendant/core/internal';
import type { ClientBase } from 'pg';
import { operationTable } from './operation-table.ts';

/** What submitted operations need beyond their table: their order, and a way to those that wait among those that don't. */
export async function planOperations(client: ClientBase, store: DataStoreInternals): Promise<string[]> {
  const table = qualifiedName(store.schemaName, operationTable.name);
  const waiting = `${store.schemaName}_submitted_operation_waiting`;
  const { rows } = await client.query<{ has_table: boolean; has_index: boolean; has_sequence: boolean }>(
    `select to_regclass($1) is not null as has_table, to_regclass($2) is not null as has_index,
       to_regclass('intendant.operation_seq') is not null as has_sequence`,
    [table, qualifiedName(store.schemaName, waiting)],
  );
  const live = rows[0] as (typeof rows)[0];
  return [
    ...(live.has_sequence ? [] : ['create sequence intendant.operation_seq as bigint']),
    ...(live.has_table && !live.has_index
      ? [`create index if not exists "${waiting}" on ${table} (shard, seq) where not is_finished`]
      : []),
  ];
}
