import { quoteIdentifier, quoteLiteral, type RegisteredTable } from '@intendant/core/internal';
import { appendFunction, DOORBELL_CHANNEL, DOORBELL_LOCK, LEADER_LOCK, loggedName, truncateFunction } from './names.ts';

/*
 * One statement, one append: statement-level triggers with transition tables see what a statement did to all its rows,
 * be it plain, ON CONFLICT, MERGE or COPY, and roll back with it.
 *
 * The doorbell. NOTIFY makes committing writers queue for one lock of the whole server, so they ring only a relay that
 * sleeps. An awake relay holds the doorbell lock exclusively: a writer that cannot share it stays silent. With no relay
 * at all there is nobody to wake either: the leader's lock can then be shared. The append comes before the try, and the
 * relay's last look comes after it let go of the lock, so one of the two always notices the other.
 */
const RING = `
  if found and pg_try_advisory_lock_shared(${DOORBELL_LOCK}) then
    perform pg_advisory_unlock_shared(${DOORBELL_LOCK});
    if pg_try_advisory_lock_shared(${LEADER_LOCK}) then
      perform pg_advisory_unlock_shared(${LEADER_LOCK});
    else
      perform pg_notify('${DOORBELL_CHANNEL}', '');
    end if;
  end if;
  return null;`;

const COLUMNS = 'table_name, operation, key, org_id, instance_id, revision, record';

/** The first words of a function that writes rows, by which a later `plan` knows it. */
export const CARRIES_RECORD = '-- carries the record';

const hasColumn = (table: RegisteredTable, name: string): boolean =>
  table.columns.some((column) => column.name === name);

/** The columns of one log row, from the row `alias`. Values travel as text, which the table's formats read exactly. */
function logged(table: RegisteredTable, alias: string, operation: string, carriesRecord: boolean): string {
  const column = (name: string) => `${alias}.${quoteIdentifier(name)}`;
  const optional = (name: string) =>
    hasColumn(table, name) ? column(name) : name === 'revision' ? 'null::bigint' : 'null::text';
  const names = table.columns.map(({ name }) => quoteLiteral(name)).join(', ');
  const values = table.columns.map(({ name }) => `${column(name)}::text`).join(', ');
  return [
    quoteLiteral(loggedName(table)),
    operation,
    `array[${table.key.map(({ name }) => `${column(name)}::text`).join(', ')}]`,
    optional('org_id'),
    optional('instance_id'),
    optional('revision'),
    carriesRecord ? `jsonb_object(array[${names}], array[${values}])` : 'null::jsonb',
  ].join(', ');
}

const append = (select: string): string => `insert into intendant.change_log (${COLUMNS}) ${select};`;

/** A changed key is a delete and an insert; a soft delete and its undoing are told apart from other updates. */
function appendUpdates(table: RegisteredTable, carriesRecord: boolean): string {
  const same = table.identity
    .map(({ name }) => `o.${quoteIdentifier(name)} = n.${quoteIdentifier(name)}`)
    .join(' and ');
  const kept = `o.${quoteIdentifier(table.key[0]?.name as string)}`;
  const softly = table.definition.softDelete
    ? `when o.deleted_at is null and n.deleted_at is not null then 's' when o.deleted_at is not null and n.deleted_at is null then 'r'`
    : '';
  const operation = `case when ${kept} is null then 'i' ${softly} else 'u' end`;
  return append(`
      select ${logged(table, 'o', "'d'", carriesRecord)} from old_rows o
      where not exists (select from new_rows n where ${same})
      union all
      select ${logged(table, 'n', operation, carriesRecord)} from new_rows n left join old_rows o on ${same}`);
}

/**
 * Without loops over all pairs: the plan of a function's first call, mostly about one row, is kept for the connection,
 * and an update of 1,000 rows took half a second with it.
 */
const PLANNING = 'set enable_nestloop = off';

/** Times and bytes as text depend on settings of the writer's session, unless the function brings its own. */
const SETTINGS = `set search_path = pg_catalog, pg_temp ${PLANNING} set datestyle = 'ISO, YMD' set bytea_output = 'hex' set timezone = 'UTC'`;
const PLAIN_SETTINGS = `set search_path = pg_catalog, pg_temp ${PLANNING}`;

export const settingsFor = (table: RegisteredTable, carriesRecord: boolean): string =>
  (carriesRecord ? table.columns : table.key).some(({ format }) => /^(timestamp|bytea|double)/.test(format.sqlType))
    ? SETTINGS
    : PLAIN_SETTINGS;

export const appendFunctionBody = (table: RegisteredTable, carriesRecord: boolean): string => `
${carriesRecord ? CARRIES_RECORD : ''}
begin
  if tg_op = 'INSERT' then
    ${append(`select ${logged(table, 'n', "'i'", carriesRecord)} from new_rows n`)}
  elsif tg_op = 'UPDATE' then
    ${appendUpdates(table, carriesRecord)}
  else
    ${append(`select ${logged(table, 'o', "'d'", carriesRecord)} from old_rows o`)}
  end if;
  ${RING}
end
`;

/** Reads the table as its owner; `row_security = off` makes that an error where policies would hide rows from them. */
export const truncateFunctionBody = (table: RegisteredTable, carriesRecord: boolean): string => `
begin
  ${append(`select ${logged(table, 't', "'d'", carriesRecord)} from only ${table.qualifiedName} t`)}
  ${RING}
end
`;

/** Who may execute it could hang it on a table of their own, and log what never happened. Triggers that are there ask nobody. */
const forOwnersTriggers = (name: string): string => `revoke execute on function ${name}() from public`;

export const createAppendFunction = (table: RegisteredTable, carriesRecord: boolean): string =>
  `create or replace function ${appendFunction(table)}() returns trigger language plpgsql security definer
   ${settingsFor(table, carriesRecord)} as $function$${appendFunctionBody(table, carriesRecord)}$function$;
   ${forOwnersTriggers(appendFunction(table))}`;

export const createTruncateFunction = (table: RegisteredTable, body: string, settings = SETTINGS): string =>
  `create or replace function ${truncateFunction(table)}() returns trigger language plpgsql security definer
   ${settings} set row_security = off as $function$${body}$function$;
   ${forOwnersTriggers(truncateFunction(table))}`;

export const TRUNCATE_TRIGGER = 'intendant_append_truncate';

export const truncateTrigger = (table: RegisteredTable): string =>
  `create trigger ${TRUNCATE_TRIGGER} before truncate on ${table.qualifiedName} for each statement execute function ${truncateFunction(table)}()`;

/** Name and definition of each trigger; the definitions in the order they are made. */
export const appendTriggers = (table: RegisteredTable): Record<string, string> => {
  const create = (name: string, event: string, rest: string) =>
    `create trigger ${name} ${event} on ${table.qualifiedName} ${rest} for each statement execute function`;
  return {
    intendant_append_insert: `${create('intendant_append_insert', 'after insert', 'referencing new table as new_rows')} ${appendFunction(table)}()`,
    intendant_append_update: `${create('intendant_append_update', 'after update', 'referencing old table as old_rows new table as new_rows')} ${appendFunction(table)}()`,
    intendant_append_delete: `${create('intendant_append_delete', 'after delete', 'referencing old table as old_rows')} ${appendFunction(table)}()`,
    [TRUNCATE_TRIGGER]: truncateTrigger(table),
  };
};
