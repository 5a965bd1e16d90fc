import type { DataStoreInternals } from '@intendant/core/internal';
import { qualifiedName } from '@intendant/core/internal';
import type { ClientBase } from 'pg';
import { NO_ORG } from './operation-statements.ts';
import { operationTable } from './operation-table.ts';

/**
 * In older versions, operations of callers without an org had an empty one, which the table's own check refuses now.
 * The forced row-level security of the owner is disabled for this change, and the feed gets no change.
 */
export async function prepareOperations(client: ClientBase, store: DataStoreInternals): Promise<string[]> {
  const table = qualifiedName(store.schemaName, operationTable.name);
  const { rows } = await client.query<{ is_old: boolean }>(
    `select not exists (
       select from pg_constraint where conrelid = c.oid and conname = '${operationTable.name}_org_id_check'
     ) as is_old
     from pg_class c where c.oid = to_regclass($1)`,
    [table],
  );
  if (rows[0]?.is_old !== true) return [];
  return [
    `alter table ${table} disable trigger user, no force row level security;
     update ${table} set org_id = '${NO_ORG}' where org_id = '';
     alter table ${table} enable trigger user, force row level security`,
  ];
}

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
