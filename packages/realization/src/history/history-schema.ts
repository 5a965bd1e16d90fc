import { DB_ROLES, type DbRole } from '@intendant/core';
import { type DataStoreInternals, derivedName, quoteIdentifier, type RegisteredTable } from '@intendant/core/internal';
import type { ClientBase } from 'pg';
import { statusTablesAmong } from '../resource/status-tables.ts';
import { planTableRights } from '../schema/function-plan.ts';
import {
  countPresent,
  forgetCounts,
  HISTORY_TABLES,
  type LoggedTable,
  loggedTables,
  statusLogBody,
} from './status-log.ts';

const TABLES = ['status_history', 'status_change', 'status_count'] as const;

/** The tables of history and counts, who may read them, and the triggers of every status table that fill them. */
export async function planHistory(
  client: ClientBase,
  store: DataStoreInternals,
  tables: readonly RegisteredTable[],
): Promise<string[]> {
  const found = await client.query("select to_regclass('intendant.status_history') is not null as is_there");
  const triggers: string[] = [];
  for (const logged of statusTablesAmong(tables).flatMap(loggedTables))
    triggers.push(...(await planTriggers(client, logged)));
  return [
    ...(found.rows[0].is_there ? [] : [HISTORY_TABLES, ...TABLES.map(protect)]),
    ...(await planRights(client, store)),
    ...triggers,
  ];
}

const protect = (name: string): string => `alter table intendant.${name} enable row level security`;

async function planRights(client: ClientBase, store: DataStoreInternals): Promise<string[]> {
  const login = await store.loginName();
  const readers = [
    { name: login, using: 'true' },
    ...DB_ROLES.map((role) => ({ name: store.roleName(role), using: ownRows(role) })),
  ];
  const { rows } = await client.query<{ name: string; table: string }>(
    `select policyname as name, tablename as table from pg_policies where schemaname = 'intendant' and tablename = any ($1)`,
    [TABLES],
  );
  const have = new Set(rows.map(({ name, table }) => `${table} ${name}`));
  const plan: string[] = [];
  for (const table of TABLES) {
    const name = `intendant.${table}`;
    plan.push(
      ...(await planTableRights(
        client,
        name,
        ['select'],
        readers.map((reader) => reader.name),
      )),
    );
    plan.push(...(await planTableRights(client, name, ['insert', 'update', 'delete'], [login])));
    for (const reader of readers) {
      if (have.has(`${table} ${reader.name}`)) continue;
      const action = reader.name === login ? 'all' : 'select';
      const role = quoteIdentifier(reader.name);
      plan.push(`create policy ${role} on ${name} for ${action} to ${role} using (${reader.using})`);
    }
  }
  return plan;
}

/** As on the resources' tables. What has no org or instance belongs to all. */
function ownRows(role: DbRole): string {
  const own = (column: string, setting: string): string =>
    `${column} in ('', (select nullif(current_setting('${setting}', true), '')))`;
  const conditions = [
    ...(role.startsWith('tenant_') ? [own('org_id', 'intendant.org_id')] : []),
    ...(role.includes('instance_') ? [own('instance_id', 'intendant.instance_id')] : []),
  ];
  return conditions.join(' and ') || 'true';
}

async function planTriggers(client: ClientBase, logged: LoggedTable): Promise<string[]> {
  const { table } = logged;
  const name = `intendant.${quoteIdentifier(derivedName('status_log', table.schemaName, table.name))}`;
  const body = statusLogBody(logged);
  const { rows } = await client.query<{ body: string | null; triggers: string[]; has_rows: boolean }>(
    `select (select prosrc from pg_proc where oid = to_regprocedure($1)) as body,
       array(select tgname::text from pg_trigger where tgrelid = to_regclass($2) and tgname like 'intendant_status_%') as triggers`,
    [`${name}()`, table.qualifiedName],
  );
  const live = rows[0] as (typeof rows)[0];
  const missing = Object.entries(triggersOf(logged, name)).filter(([trigger]) => !live.triggers.includes(trigger));
  return [
    ...(live.body === body ? [] : [createFunction(name, body)]),
    ...missing.map(([, definition]) => definition),
    ...(live.triggers.length === 0 ? [...forgetCounts(logged), countPresent(logged)] : []),
  ];
}

const createFunction = (name: string, body: string): string =>
  `create or replace function ${name}() returns trigger language plpgsql security definer
   as $function$${body}$function$;
   revoke execute on function ${name}() from public`;

const triggersOf = ({ table }: LoggedTable, name: string): Record<string, string> => {
  const create = (trigger: string, event: string): string =>
    `create trigger ${trigger} ${event} for each statement execute function ${name}()`;
  const on = table.qualifiedName;
  return {
    intendant_status_insert: create(
      'intendant_status_insert',
      `after insert on ${on} referencing new table as new_rows`,
    ),
    intendant_status_update: create(
      'intendant_status_update',
      `after update on ${on} referencing old table as old_rows new table as new_rows`,
    ),
    intendant_status_delete: create(
      'intendant_status_delete',
      `after delete on ${on} referencing old table as old_rows`,
    ),
    intendant_status_truncate: create('intendant_status_truncate', `before truncate on ${on}`),
  };
};
