import { type DataStoreInternals, qualifiedName, type RegisteredTable } from '@intendant/core/internal';
import type { ClientBase } from 'pg';
import { NO_ORG } from './operation-statements.ts';
import { operationTable } from './operation-table.ts';
import { planSubmitterPolicies } from './submitter-policies.ts';

const TABLE = `intendant.${operationTable.name}`;
const WAITING = `${operationTable.name}_waiting`;

/**
 * What submitted operations need in addition to their table: a sequence for their order, an index on the waiting ones,
 * and the rows of an older version, which stored them in the store's schema.
 */
export async function planOperations(
  client: ClientBase,
  store: DataStoreInternals,
  tables: readonly RegisteredTable[],
): Promise<string[]> {
  const { rows } = await client.query<{ has_table: boolean; has_index: boolean; has_sequence: boolean }>(
    `select to_regclass($1) is not null as has_table, to_regclass($2) is not null as has_index,
       to_regclass('intendant.operation_seq') is not null as has_sequence`,
    [TABLE, `intendant.${WAITING}`],
  );
  const [live] = rows;
  const hasTable = live?.has_table || tables.some(({ definition }) => definition === operationTable);
  return [
    ...(live?.has_sequence ? [] : ['create sequence intendant.operation_seq as bigint']),
    ...(hasTable && !live?.has_index
      ? [`create index if not exists ${WAITING} on ${TABLE} (shard, seq) where not is_finished`]
      : []),
    ...(hasTable ? await planTakeover(client, store) : []),
    ...(hasTable ? await planSubmitterPolicies(client, store, TABLE) : []),
  ];
}

const COLUMNS = [...operationTable.columns.map(({ name }) => name), 'created_at', 'updated_at'].join(', ');

/**
 * Moves the rows of the older table and drops it. Meanwhile row security is not forced for the owner, and the changes
 * do not go into the feed. In still older versions, callers without an org had an empty one, which the table's check
 * refuses now.
 */
async function planTakeover(client: ClientBase, store: DataStoreInternals): Promise<string[]> {
  const old = qualifiedName(store.schemaName, operationTable.name);
  const functions = await oldFunctions(client, old);
  if (functions === undefined) return [];
  return [
    `alter table ${old} no force row level security, disable trigger user;
     alter table ${TABLE} no force row level security, disable trigger user;
     insert into ${TABLE} (org_id, ${COLUMNS})
     select case org_id when '' then '${NO_ORG}' else org_id end, ${COLUMNS} from ${old} on conflict do nothing;
     alter table ${TABLE} force row level security, enable trigger user;
     drop table ${old}`,
    ...functions.map((signature) => `drop function if exists ${signature}`),
  ];
}

/** The trigger functions of an older version's table. Undefined if there is none: a table with this name may be a user's own. */
async function oldFunctions(client: ClientBase, old: string): Promise<string[] | undefined> {
  const { rows } = await client.query<{ is_ours: boolean; functions: string[] }>(
    `select (
         select count(*) = 3 from pg_attribute a
         where a.attrelid = c.oid and a.attname in ('caller_role', 'shard', 'is_finished') and not a.attisdropped
       ) as is_ours,
       array(
         select distinct t.tgfoid::regprocedure::text from pg_trigger t
         where t.tgrelid = c.oid and t.tgname like 'intendant\\_append%' order by 1
       ) as functions
     from pg_class c where c.oid = to_regclass($1) and c.relkind = 'r'`,
    [old],
  );
  return rows[0]?.is_ours ? rows[0].functions : undefined;
}
