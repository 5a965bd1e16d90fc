import type { RegisteredTable } from '@intendant/core/internal';
import type { ClientBase } from 'pg';
import { statusTablesAmong } from '../resource/status-tables.ts';
import {
  countPresent,
  deleteCounts,
  EMPTY_OWNERS_TO_NULL,
  HISTORY_TABLES,
  type LoggedTable,
  loggedTables,
  statusLogBody,
  statusLogFunction,
} from './status-log.ts';

/** Returns the SQL that is missing for the history and the counts: their tables and rights, and the triggers on all status tables. */
export async function planHistory(client: ClientBase, tables: readonly RegisteredTable[]): Promise<string[]> {
  const found = await client.query(
    `select to_regclass('intendant.status_history') is not null as is_there, exists (
       select from pg_attribute where attrelid = to_regclass('intendant.status_history') and attname = 'org_id' and attnotnull
     ) as has_empty_owners`,
  );
  const triggers: string[] = [];
  for (const logged of statusTablesAmong(tables).flatMap(loggedTables))
    triggers.push(...(await planTriggers(client, logged)));
  return [
    ...(found.rows[0].is_there ? [] : [HISTORY_TABLES]),
    ...(found.rows[0].has_empty_owners ? [EMPTY_OWNERS_TO_NULL] : []),
    ...triggers,
  ];
}

/** What changed while a trigger was missing or disabled was not counted, so the rows are then counted again. */
async function planTriggers(client: ClientBase, logged: LoggedTable): Promise<string[]> {
  const { table } = logged;
  const name = statusLogFunction(logged);
  const body = statusLogBody(logged);
  const { rows } = await client.query<{ body: string | null; enabled: string[]; disabled: string[] }>(
    `select (select prosrc from pg_proc where oid = to_regprocedure($1)) as body,
       coalesce(array_agg(t.tgname::text) filter (where t.tgenabled in ('O', 'A')), '{}') as enabled,
       coalesce(array_agg(t.tgname::text) filter (where t.tgenabled not in ('O', 'A')), '{}') as disabled
     from pg_trigger t where t.tgrelid = to_regclass($2) and t.tgname like 'intendant_status_%'`,
    [`${name}()`, table.qualifiedName],
  );
  const { body: liveBody, enabled, disabled } = rows[0] ?? { body: null, enabled: [], disabled: [] };
  const repairs = Object.entries(triggersOf(logged, name)).flatMap(([trigger, definition]) => {
    if (enabled.includes(trigger)) return [];
    return disabled.includes(trigger) ? `alter table ${table.qualifiedName} enable trigger ${trigger}` : definition;
  });
  return [
    ...(liveBody === body ? [] : [createFunction(name, body)]),
    ...repairs,
    ...(repairs.length > 0 ? [...deleteCounts(logged), countPresent(logged)] : []),
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
