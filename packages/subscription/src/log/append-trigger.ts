import { quoteIdentifier, quoteLiteral, type RegisteredTable } from '@intendant/core/internal';
import { columnText, needsFloatDigits } from './column-text.ts';
import { DOORBELL, RINGS } from './doorbell.ts';
import { appendFunction, loggedName, truncateFunction } from './names.ts';
import { isOnlyRow, isSameRow } from './updated-row.ts';

/**
 * Each statement causes one append. Statement-level triggers with transition tables see all rows that a statement
 * changed, including ON CONFLICT, MERGE and COPY, and are rolled back with it.
 *
 * The functions run as the log's owner (security definer), with the search_path of the writing session, because a `set`
 * clause would add 10 to 20 µs to each call. So every function, type and operator in them is qualified with pg_catalog,
 * and syntax that looks up an operator by its name alone is avoided (`in`, `between`, `nullif`, `is distinct from`,
 * `case x when y`). Transition tables take precedence over tables in the search_path.
 *
 * The doorbell. After a writer has appended its change, it reads the mode that the relay has set (see doorbell.ts), and
 * notifies the relay if the mode says so. With NOTIFY, committing writers wait for one lock of the whole server, so
 * writers notify only while changes are few. A writer appends first and reads the mode afterwards. The relay sets the
 * mode first and reads the log afterwards. So either the writer notifies, or the relay finds the change. A writer whose
 * commit does not wait for the disk never announces its change itself.
 */
const RING = `
  get diagnostics appended = row_count;
  if appended operator(pg_catalog.>) 0 then
    if pg_catalog.current_setting('synchronous_commit') operator(pg_catalog.=) 'off' then perform intendant.ring_unflushed();
    elsif pg_catalog.pg_sequence_last_value(${DOORBELL}) operator(pg_catalog.=) ${RINGS} then perform intendant.ring(appended);
    end if;
  end if;
  return null;`;

const COLUMNS = 'table_name, operation, key, org_id, instance_id, revision, record';

/** The first words of a function that writes rows. A later `plan` recognizes it by them. */
export const CARRIES_RECORD = '-- carries the record';

const NULLS: Readonly<Record<string, string>> = {
  org_id: 'null::pg_catalog.text',
  instance_id: 'null::pg_catalog.text',
  revision: 'null::pg_catalog.int8',
};

const hasColumn = (table: RegisteredTable, name: string): boolean =>
  table.columns.some((column) => column.name === name);

/** The columns of a log row, computed from a row. For updates that is the new row, or the old one if there is no new one. */
type Values = (column: string, text: (alias: string) => string) => string;

const of =
  (alias: string): Values =>
  (_, text) =>
    text(alias);

/** The columns of one log row. Values are stored as text, which the table's formats parse exactly. */
function logged(table: RegisteredTable, values: Values, operation: string, carriesRecord: boolean): string {
  const plain = (name: string) =>
    hasColumn(table, name) ? values(name, (alias) => `${alias}.${quoteIdentifier(name)}`) : (NULLS[name] as string);
  const text = (column: RegisteredTable['columns'][number]) =>
    values(column.name, (alias) => columnText(column, alias));
  const names = table.columns.map(({ name }) => quoteLiteral(name)).join(', ');
  return [
    quoteLiteral(loggedName(table)),
    operation,
    `array[${table.key.map(text).join(', ')}]`,
    plain('org_id'),
    plain('instance_id'),
    plain('revision'),
    carriesRecord
      ? `pg_catalog.jsonb_object(array[${names}], array[${table.columns.map(text).join(', ')}])`
      : 'null::pg_catalog.jsonb',
  ].join(', ');
}

const append = (select: string): string => `insert into intendant.change_log (${COLUMNS}) ${select};`;

const code = (operation: string): string => `'${operation}'::pg_catalog."char"`;

/** The deletion of a row that was soft-deleted has its own code. */
const deletion = (table: RegisteredTable, alias: string): string =>
  table.definition.softDelete
    ? `case when ${alias}.deleted_at is null then ${code('d')} else ${code('p')} end`
    : code('d');

/**
 * A changed key is logged as a delete and an insert. Soft deletes and their undoing are distinguished from other
 * updates. A full join is used because it never compares all pairs of rows, whatever number of rows the plan was made
 * for: the plan of a function's first call, mostly for one row, is kept for the connection.
 */
function appendUpdates(table: RegisteredTable, carriesRecord: boolean): string {
  const first = quoteIdentifier(table.key[0]?.name as string);
  const operation = `case when n.${first} is null then ${deletion(table, 'o')} when o.${first} is null then ${code('i')} ${softDeletionCases(table)} else ${code('u')} end`;
  const newOrElseOld: Values = (_, value) => `case when n.${first} is null then ${value('o')} else ${value('n')} end`;
  return append(
    `select ${logged(table, newOrElseOld, operation, carriesRecord)} from old_rows o full join new_rows n on ${isSameRow(table)}`,
  );
}

const softDeletionCases = (table: RegisteredTable): string =>
  table.definition.softDelete
    ? `when o.deleted_at is null and n.deleted_at is not null then ${code('s')} when o.deleted_at is not null and n.deleted_at is null then ${code('r')}`
    : '';

/**
 * Most statements update one row without changing its key. Then the old and the new row belong together and need no join,
 * which would take longer than the rest of the function. If this statement appends nothing, the general statement runs,
 * unless no row was updated at all.
 */
function appendUpdate(table: RegisteredTable, carriesRecord: boolean): string {
  const operation = table.definition.softDelete ? `case ${softDeletionCases(table)} else ${code('u')} end` : code('u');
  return `${append(`select ${logged(table, of('n'), operation, carriesRecord)} from old_rows o, new_rows n where ${isOnlyRow(table)}`)}
    if not found then
      perform from new_rows limit 1;
      if not found then return null; end if;
      ${appendUpdates(table, carriesRecord)}
    end if;`;
}

/** The settings of a function. Each one adds time to every call. */
const settingsFor = (table: RegisteredTable, carriesRecord: boolean): string =>
  needsFloatDigits(carriesRecord ? table.columns : table.key) ? 'set extra_float_digits = 1' : '';

export const appendFunctionBody = (table: RegisteredTable, carriesRecord: boolean): string => `
${carriesRecord ? CARRIES_RECORD : ''}
declare appended pg_catalog.int8;
begin
  if tg_op operator(pg_catalog.=) 'INSERT' then
    ${append(`select ${logged(table, of('n'), code('i'), carriesRecord)} from new_rows n`)}
  elsif tg_op operator(pg_catalog.=) 'UPDATE' then
    ${appendUpdate(table, carriesRecord)}
  else
    ${append(`select ${logged(table, of('o'), deletion(table, 'o'), carriesRecord)} from old_rows o`)}
  end if;
  ${RING}
end
`;

/** The function reads the table as its owner. With `row_security = off`, Postgres raises an error if a policy would hide rows. */
export const truncateFunctionBody = (table: RegisteredTable, carriesRecord: boolean): string => `
declare appended pg_catalog.int8;
begin
  ${append(`select ${logged(table, of('t'), deletion(table, 't'), carriesRecord)} from only ${table.qualifiedName} t`)}
  ${RING}
end
`;

/** A role that may execute it could attach it to its own table and log changes that never happened. Existing triggers need no right. */
const revokeFromPublic = (name: string): string => `revoke execute on function ${name}() from public`;

export const createAppendFunction = (table: RegisteredTable, carriesRecord: boolean): string =>
  `create or replace function ${appendFunction(table)}() returns trigger language plpgsql security definer
   ${settingsFor(table, carriesRecord)} as $function$${appendFunctionBody(table, carriesRecord)}$function$;
   ${revokeFromPublic(appendFunction(table))}`;

/** TRUNCATE is rare, so its function may have settings. */
export const createTruncateFunction = (table: RegisteredTable, body: string): string =>
  `create or replace function ${truncateFunction(table)}() returns trigger language plpgsql security definer
   set search_path = pg_catalog, pg_temp set datestyle = 'ISO, YMD' set bytea_output = 'hex' set timezone = 'UTC'
   set extra_float_digits = 1 set row_security = off as $function$${body}$function$;
   ${revokeFromPublic(truncateFunction(table))}`;

export const TRUNCATE_TRIGGER = 'intendant_append_truncate';

export const truncateTrigger = (table: RegisteredTable): string =>
  `create trigger ${TRUNCATE_TRIGGER} before truncate on ${table.qualifiedName} for each statement execute function ${truncateFunction(table)}()`;

/** Name and definition of each trigger, in the order of creation. */
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
