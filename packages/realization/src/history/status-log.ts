import { quoteIdentifier, quoteLiteral, type RegisteredTable } from '@intendant/core/internal';
import { keyText } from '../resource/key-text.ts';
import { POINT_COLUMN, type StatusTables } from '../resource/status-tables.ts';
import { STATUS_WEIGHTS } from '../status/status.ts';

/*
 * What happened, and how many resources are where, are kept by triggers on the status tables, so that every way to
 * change a status counts, and none can be forgotten.
 *
 * Counts are the sum of two tables. A statement appends what it changed, and touches no row that another transaction
 * may hold: a counter that is updated in place would make all writers of a status wait for each other, and would be one
 * more lock to deadlock over. Maintenance folds what was appended into the counts.
 */

export const HISTORY_TABLES = `
create table intendant.status_history (
  seq bigint generated always as identity,
  table_name text not null,
  org_id text not null,
  instance_id text not null,
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
  org_id text not null,
  instance_id text not null,
  point_id text not null,
  status integer not null,
  change bigint not null
);
create table intendant.status_count (
  table_name text not null,
  org_id text not null,
  instance_id text not null,
  point_id text not null,
  status integer not null,
  resources bigint not null,
  primary key (table_name, org_id, instance_id, point_id, status)
)`;

/** Stands for no point, no org and no instance: overall, and tables that have none. */
const NONE = "''::text";

interface LoggedTable {
  readonly name: string;
  readonly table: RegisteredTable;
  readonly point: (alias: string) => string;
}

/** The tables whose statuses are kept count of. Of the overall status there is no history: it follows from the points'. */
export const loggedTables = (tables: StatusTables): readonly LoggedTable[] => [
  { name: nameOf(tables), table: tables.overall, point: () => NONE },
  { name: nameOf(tables), table: tables.enforcement, point: (alias) => `${alias}.${POINT_COLUMN}` },
];

const nameOf = ({ resource }: StatusTables): string => `${resource.schemaName}.${resource.name}`;

const hasHistory = ({ table }: LoggedTable): boolean => table.columnByField.has(POINT_COLUMN);

/** Whose a row under this alias is, in SQL; none where the table has no such column. */
const owners = ({ table }: LoggedTable, alias: string): string =>
  [
    table.columnByField.has('orgId') ? `${alias}.org_id` : NONE,
    table.columnByField.has('instanceId') ? `${alias}.instance_id` : NONE,
  ].join(', ');

/** `'public.vm', n.org_id, '', n.point` */
const place = (logged: LoggedTable, alias: string): string =>
  `${quoteLiteral(logged.name)}, ${owners(logged, alias)}, ${logged.point(alias)}`;

const count = (logged: LoggedTable, rows: string, change: number): string => `
    select ${place(logged, 's')}, s.realization_status, ${change} * count(*) from ${rows} s group by 1, 2, 3, 4, 5`;

const keep = (counts: string): string => `
  insert into intendant.status_change (table_name, org_id, instance_id, point_id, status, change) ${counts};`;

const history = (logged: LoggedTable, message: string, from: string): string => {
  if (!hasHistory(logged)) return '';
  const key = logged.table.key
    .filter(({ name }) => name !== POINT_COLUMN)
    .map((column) => keyText(column, `n.${quoteIdentifier(column.name)}`));
  return `
  insert into intendant.status_history (table_name, org_id, instance_id, key, point_id, status, revision, attempt, message)
  select ${quoteLiteral(logged.name)}, ${owners(logged, 'n')}, array[${key.join(', ')}], ${logged.point('n')}, n.realization_status,
    n.resource_revision, n.attempt, ${message}
  from ${from};`;
};

const onInsert = (logged: LoggedTable): string =>
  history(logged, 'n.additional_details', 'new_rows n') + keep(count(logged, 'new_rows', 1));

/** Details gather what was said before; the history wants what is new. */
const NEW_DETAILS = `
    case when n.realization_status <> ${STATUS_WEIGHTS.ERROR} then ''
      when o.additional_details <> '' and right(n.additional_details, length(o.additional_details) + 2) = '; ' || o.additional_details
      then left(n.additional_details, length(n.additional_details) - length(o.additional_details) - 2)
      else n.additional_details end`;

const onUpdate = (logged: LoggedTable): string => {
  const same = logged.table.identity.map(({ name }) => `o.${quoteIdentifier(name)} = n.${quoteIdentifier(name)}`);
  const changed = `new_rows n join old_rows o on ${same.join(' and ')}
  where n.realization_status = ${STATUS_WEIGHTS.ERROR} or (n.realization_status, n.resource_revision) is distinct from (o.realization_status, o.resource_revision)`;
  const moved = `
    select table_name, org_id, instance_id, point_id, status, sum(change) from (
      ${count(logged, 'old_rows', -1)} union all ${count(logged, 'new_rows', 1)}
    ) as moved (table_name, org_id, instance_id, point_id, status, change)
    group by 1, 2, 3, 4, 5 having sum(change) <> 0`;
  return history(logged, NEW_DETAILS, changed) + keep(moved);
};

/** The triggers' function. */
export const statusLogBody = (logged: LoggedTable): string => `
begin
  if tg_op = 'INSERT' then${onInsert(logged)}
  elsif tg_op = 'UPDATE' then${onUpdate(logged)}
  elsif tg_op = 'DELETE' then${keep(count(logged, 'old_rows', -1))}
  else
    ${forgetCounts(logged).join(';\n    ')};
  end if;
  return null;
end
`;

/** For a table that is emptied, or that was dropped and made anew. */
export const forgetCounts = (logged: LoggedTable): string[] =>
  ['status_count', 'status_change'].map(
    (table) =>
      `delete from intendant.${table} where table_name = ${quoteLiteral(logged.name)} and (point_id = '') = ${!hasHistory(logged)}`,
  );

/** Counts what is in a table that had rows before it had triggers. */
export const countPresent = (logged: LoggedTable): string => keep(count(logged, logged.table.qualifiedName, 1));

export type { LoggedTable };
