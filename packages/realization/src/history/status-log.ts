import { derivedName, quoteIdentifier, quoteLiteral, type RegisteredTable } from '@intendant/core/internal';
import { isOnlyRow } from '@intendant/subscription/internal';
import { keyText } from '../resource/key-text.ts';
import { POINT_COLUMN, type StatusTables } from '../resource/status-tables.ts';
import { STATUS_WEIGHTS } from '../status/status.ts';

/*
 * Triggers on the status tables write the history and the counts of resources, so that every statement that changes a
 * status is included.
 *
 * A count is the sum of two tables. A statement appends its changes, and touches no row that another transaction may
 * have locked: a counter that is updated in place would make all writers of a status wait for each other, and would
 * be one more lock that can deadlock. Maintenance adds the appended changes to the counts.
 */

export const HISTORY_TABLES = `
create table intendant.status_history (
  seq bigint generated always as identity,
  table_name text not null,
  org_id text,
  instance_id text,
  key text[] not null,
  point_id text not null,
  status integer not null,
  revision bigint not null,
  attempt integer,
  message text not null,
  occurred_at timestamptz not null default clock_timestamp()
);
create index on intendant.status_history (table_name, org_id, key, seq);
create index on intendant.status_history using brin (occurred_at);
create table intendant.status_change (
  table_name text not null,
  org_id text,
  instance_id text,
  point_id text not null,
  status integer not null,
  change bigint not null
);
create table intendant.status_count (
  table_name text not null,
  org_id text,
  instance_id text,
  point_id text not null,
  status integer not null,
  resources bigint not null,
  unique nulls not distinct (table_name, org_id, instance_id, point_id, status)
)`;

/** Earlier versions wrote '' for no org and no instance; now it is null, which row security shows to every caller. */
export const EMPTY_OWNERS_TO_NULL = `
alter table intendant.status_count drop constraint status_count_pkey;
${['status_history', 'status_change', 'status_count']
  .map(
    (table) => `
alter table intendant.${table} alter column org_id drop not null, alter column instance_id drop not null;
update intendant.${table} set org_id = nullif(org_id, ''), instance_id = nullif(instance_id, '') where org_id = '' or instance_id = ''`,
  )
  .join(';')};
alter table intendant.status_count add unique nulls not distinct (table_name, org_id, instance_id, point_id, status)`;

/** The value for no org and no instance, in tables without these columns. */
const NULL_TEXT = 'null::pg_catalog.text';
/** The value for no point, i.e. the overall status. */
const NONE = "''::pg_catalog.text";

interface LoggedTable {
  readonly name: string;
  readonly table: RegisteredTable;
  readonly point: (alias: string) => string;
}

/** The tables whose statuses are counted. The overall status has no history, because it follows from the statuses at the points. */
export const loggedTables = (tables: StatusTables): readonly LoggedTable[] => [
  { name: nameOf(tables), table: tables.overall, point: () => NONE },
  { name: nameOf(tables), table: tables.enforcement, point: (alias) => `${alias}.${POINT_COLUMN}` },
];

const nameOf = ({ resource }: StatusTables): string => `${resource.schemaName}.${resource.name}`;

const hasHistory = ({ table }: LoggedTable): boolean => table.columnByField.has(POINT_COLUMN);

/*
 * The triggers run with the owner's rights and have no `search_path` setting: a `set` clause costs more than the
 * function itself. So every name, type and operator in them is qualified, and they use no syntax that looks up an
 * operator by name (`in`, `nullif`, `is distinct from`, `case x when`). A test creates functions and operators of the
 * same names.
 */
const EQUALS = 'operator(pg_catalog.=)';
const DIFFERS = 'operator(pg_catalog.<>)';

/** SQL for the org and instance of a row under this alias; null if the table has no such column. */
const owners = ({ table }: LoggedTable, alias: string): string =>
  [
    table.columnByField.has('orgId') ? `${alias}.org_id` : NULL_TEXT,
    table.columnByField.has('instanceId')
      ? `case when ${alias}.instance_id ${DIFFERS} '' then ${alias}.instance_id end`
      : NULL_TEXT,
  ].join(', ');

/** The rows of `from`, each counted once at its place: `'public.vm', s.org_id, null, s.point, s.realization_status, 1` */
const count = (logged: LoggedTable, from: string, by: string): string =>
  `select ${quoteLiteral(logged.name)}, ${owners(logged, 's')}, ${logged.point('s')}, s.realization_status, ${by} from ${from} s`;

/** One row for each changed row: adding them up first costs a statement on one row more than it saves one on many rows. */
const keep = (changes: string): string =>
  `insert into intendant.status_change (table_name, org_id, instance_id, point_id, status, change) ${changes}`;

const history = (logged: LoggedTable, message: string, from: string): string => {
  const key = logged.table.key
    .filter(({ name }) => name !== POINT_COLUMN)
    .map((column) => keyText(column, `n.${quoteIdentifier(column.name)}`));
  return `
    insert into intendant.status_history (table_name, org_id, instance_id, key, point_id, status, revision, attempt, message)
    select ${quoteLiteral(logged.name)}, ${owners(logged, 'n')}, array[${key.join(', ')}], ${logged.point('n')}, n.realization_status,
      n.resource_revision, n.attempt, ${message}
    from ${from}`;
};

/** Both inserts are one statement if there is a history, because each statement costs about 20 µs in addition to its work. */
const storeWithHistory = (logged: LoggedTable, message: string, from: string, counted: string): string =>
  hasHistory(logged)
    ? `
  with told as (${history(logged, message, from)})
  ${keep(counted)};`
    : `
  ${keep(counted)};`;

const onInsert = (logged: LoggedTable): string =>
  storeWithHistory(logged, 'n.additional_details', 'new_rows n', count(logged, 'new_rows', '1'));

/** Details accumulate earlier messages; the history stores only the new one. */
const NEW_DETAILS = `
    case when n.realization_status ${DIFFERS} ${STATUS_WEIGHTS.ERROR} then ''
      when o.additional_details ${DIFFERS} '' and pg_catalog.right(n.additional_details, pg_catalog.length(o.additional_details) operator(pg_catalog.+) 2)
        ${EQUALS} ('; ' operator(pg_catalog.||) o.additional_details)
      then pg_catalog.left(n.additional_details, pg_catalog.length(n.additional_details) operator(pg_catalog.-) pg_catalog.length(o.additional_details) operator(pg_catalog.-) 2)
      else n.additional_details end`;

/**
 * Most statements change the status of one row. Then the old and the new row belong together and need no join, which would
 * take longer than all that is written. A changed status always appears in the history, so one condition serves both
 * inserts. If they insert nothing, the general statement runs, unless no row was updated at all.
 */
const onUpdateOfOne = (logged: LoggedTable): string => {
  const isChanged = `where ${isOnlyRow(logged.table)} and n.realization_status ${DIFFERS} o.realization_status`;
  const counted = `
    select ${quoteLiteral(logged.name)}, ${owners(logged, 'n')}, ${logged.point('n')}, c.status, c.change
    from old_rows o, new_rows n, lateral (values (o.realization_status, -1), (n.realization_status, 1)) c (status, change)
    ${isChanged}`;
  return `${storeWithHistory(logged, NEW_DETAILS, `old_rows o, new_rows n ${isChanged}`, counted)}
    if found then return null; end if;
    perform from new_rows limit 1;
    if not found then return null; end if;`;
};

/**
 * A full join, although mostly both sides have every row: it cannot be planned as a loop over all pairs. The plan of the
 * first call, which mostly concerns one row, is kept for the connection and must also serve 1,000 rows. The columns
 * are coalesced so that the planner does not make it an inner join. A row whose key was changed has no partner on the other side.
 */
const onUpdate = (logged: LoggedTable): string => {
  const same = logged.table.identity.map(
    ({ name }) => `o.${quoteIdentifier(name)} ${EQUALS} n.${quoteIdentifier(name)}`,
  );
  const joined = `new_rows n full join old_rows o on ${same.join(' and ')}`;
  const told = `${joined}
    where coalesce(n.realization_status ${EQUALS} ${STATUS_WEIGHTS.ERROR} or n.realization_status ${DIFFERS} o.realization_status
      or n.resource_revision ${DIFFERS} o.resource_revision or n.attempt operator(pg_catalog.>) o.attempt, false)`;
  const sides = [
    ['o', '-1'],
    ['n', '1'],
  ].map(([alias = '', by]) => `(${owners(logged, alias)}, ${logged.point(alias)}, ${alias}.realization_status, ${by})`);
  const counted = `
    select ${quoteLiteral(logged.name)}, c.org_id, c.instance_id, c.point_id, c.status, c.change
    from ${joined}
    cross join lateral (values ${sides.join(', ')}) as c (org_id, instance_id, point_id, status, change)
    where coalesce(n.realization_status ${DIFFERS} o.realization_status, true) and c.status is not null`;
  return storeWithHistory(logged, NEW_DETAILS, told, counted);
};

/** The name of the triggers' function. */
export const statusLogFunction = ({ table }: LoggedTable): string =>
  `intendant.${quoteIdentifier(derivedName('status_log', table.schemaName, table.name))}`;

/** The triggers' function. */
export const statusLogBody = (logged: LoggedTable): string => `
begin
  if tg_op ${EQUALS} 'INSERT' then${onInsert(logged)}
  elsif tg_op ${EQUALS} 'UPDATE' then${onUpdateOfOne(logged)}${onUpdate(logged)}
  elsif tg_op ${EQUALS} 'DELETE' then
  ${keep(count(logged, 'old_rows', '-1'))};
  else
    ${deleteCounts(logged).join(';\n    ')};
  end if;
  return null;
end
`;

/** For a table that was truncated, or dropped and created again. */
export const deleteCounts = (logged: LoggedTable): string[] =>
  ['status_count', 'status_change'].map(
    (table) =>
      `delete from intendant.${table} where table_name ${EQUALS} ${quoteLiteral(logged.name)} and point_id ${hasHistory(logged) ? DIFFERS : EQUALS} ''`,
  );

/** Counts the rows of a table that existed before its triggers. */
export const countPresent = (logged: LoggedTable): string =>
  `${keep(count(logged, logged.table.qualifiedName, 'pg_catalog.count(*)'))} group by 1, 2, 3, 4, 5`;

export type { LoggedTable };
