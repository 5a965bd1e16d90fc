import { isDeepStrictEqual } from 'node:util';
import { quoteLiteral, type RegisteredTable } from '@intendant/core/internal';
import type { ClientBase } from 'pg';
import { columnText } from '../log/column-text.ts';
import { loggedName } from '../log/names.ts';

/**
 * What the process that fills the log must know of a table. It is stored in the database, because the leader need not
 * have registered the table.
 */
export interface ReplicatedTable {
  readonly tableName: string;
  /** Column names. */
  readonly key: readonly string[];
  /** Names of the columns that identify a row. */
  readonly identity: readonly string[];
  readonly carriesRecord: boolean;
}

export const PUBLICATION = 'intendant_feed';
/** Rows that TRUNCATE removed are sent as logical messages with this prefix. */
export const TRUNCATE_PREFIX = 'intendant.truncate';

export const REPLICATION_SCHEMA = `
create table intendant.replicated_table (
  table_name text primary key,
  key text[] not null,
  identity text[] not null,
  carries_record boolean not null
);
create publication ${PUBLICATION} with (publish = 'insert, update, delete');
`;

interface LiveTable {
  readonly isFull: boolean;
  readonly isPublished: boolean;
}

/** Returns the SQL that adds a table to the publication, as far as parts are missing. */
export async function planReplicatedTable(
  client: ClientBase,
  table: RegisteredTable,
  wantsRecord: boolean,
): Promise<string[]> {
  const { rows } = await client.query<LiveTable>(
    `select c.relreplident = 'f' as "isFull",
       exists (select from pg_publication_rel p join pg_publication b on b.oid = p.prpubid
               where b.pubname = '${PUBLICATION}' and p.prrelid = c.oid) as "isPublished"
     from pg_class c where c.oid = to_regclass($1)`,
    [table.qualifiedName],
  );
  return [
    ...(await planDescription(client, table, wantsRecord)),
    ...(rows[0]?.isFull ? [] : [`alter table ${table.qualifiedName} replica identity full`]),
    ...(rows[0]?.isPublished ? [] : [`alter publication ${PUBLICATION} add table ${table.qualifiedName}`]),
  ];
}

/** Returns the SQL that removes a table from the publication. */
export async function planUnreplicatedTable(client: ClientBase, table: RegisteredTable): Promise<string[]> {
  if (!(await readReplicatedTablesIfAny(client)).has(loggedName(table))) return [];
  return [
    `alter publication ${PUBLICATION} drop table ${table.qualifiedName}`,
    `alter table ${table.qualifiedName} replica identity default`,
    `delete from intendant.replicated_table where table_name = ${quoteLiteral(loggedName(table))}`,
  ];
}

async function planDescription(client: ClientBase, table: RegisteredTable, wantsRecord: boolean): Promise<string[]> {
  const live = (await readReplicatedTablesIfAny(client)).get(loggedName(table));
  const carriesRecord = wantsRecord || (live?.carriesRecord ?? false);
  const [key, identity] = [table.key, table.identity].map((columns) => columns.map(({ name }) => name)) as [
    string[],
    string[],
  ];
  const wanted = { tableName: loggedName(table), key, identity, carriesRecord };
  if (isDeepStrictEqual(live, wanted)) return [];
  const list = (names: readonly string[]) => `array[${names.map(quoteLiteral).join(', ')}]`;
  return [
    `insert into intendant.replicated_table values (${quoteLiteral(wanted.tableName)}, ${list(key)}, ${list(identity)}, ${carriesRecord})
     on conflict (table_name) do update
     set key = excluded.key, identity = excluded.identity, carries_record = excluded.carries_record`,
  ];
}

async function readReplicatedTablesIfAny(client: ClientBase): Promise<Map<string, ReplicatedTable>> {
  const { rows } = await client.query<{ isThere: boolean }>(
    `select to_regclass('intendant.replicated_table') is not null as "isThere"`,
  );
  return rows[0]?.isThere ? readReplicatedTables(client) : new Map();
}

export async function readReplicatedTables(client: ClientBase): Promise<Map<string, ReplicatedTable>> {
  const { rows } = await client.query<ReplicatedTable>(
    `select table_name as "tableName", key, identity, carries_record as "carriesRecord" from intendant.replicated_table`,
  );
  return new Map(rows.map((table) => [table.tableName, table]));
}

/** Only TRUNCATE needs a trigger: the stream of changes does not contain the rows that it removed. */
export const truncateMessageBody = (table: RegisteredTable): string =>
  table.placement === 'by-org' ? messagesOnNodes(table) : messagesHere(table);

/** The trigger runs on the coordinator. The messages are written on the nodes, into the streams with the rows' other changes. */
const messagesOnNodes = (table: RegisteredTable): string => `
begin
  perform pg_logical_emit_message(true, '${TRUNCATE_PREFIX}',
    jsonb_build_object('table', ${quoteLiteral(loggedName(table))}, 'rows',
      jsonb_agg(jsonb_object(array[${table.columns.map(({ name }) => quoteLiteral(name)).join(', ')}],
        array[${table.columns.map((column) => columnText(column, 'numbered')).join(', ')}])))::text)
  from (select t.*, row_number() over (partition by t.org_id) as intendant_number from only ${table.qualifiedName} t) numbered
  group by numbered.org_id, intendant_number / 500;
  return null;
end
`;

const messagesHere = (table: RegisteredTable): string => `
declare
  chunk jsonb;
begin
  for chunk in
    select jsonb_agg(jsonb_object(array[${table.columns.map(({ name }) => quoteLiteral(name)).join(', ')}],
      array[${table.columns.map((column) => columnText(column, 'numbered')).join(', ')}]))
    from (select t.*, row_number() over () as intendant_number from only ${table.qualifiedName} t) numbered
    group by intendant_number / 500
  loop
    perform pg_logical_emit_message(true, '${TRUNCATE_PREFIX}',
      jsonb_build_object('table', ${quoteLiteral(loggedName(table))}, 'rows', chunk)::text);
  end loop;
  return null;
end
`;
