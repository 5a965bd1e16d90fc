import { quoteIdentifier, quoteLiteral } from '../statement/identifier.ts';
import { type Column, encodeColumn } from '../table/column.ts';
import { checkName } from '../table/constraint-name.ts';
import type { RegisteredTable } from '../table/registered-table.ts';
import { withEffect } from './effect.ts';
import type { LiveColumn, LiveTable } from './live-schema.ts';

/** Facts that were read from the rows, because the catalogs do not contain them. */
export interface RowFacts {
  /** Stored columns that are not in the definition, but have a value in some row. */
  readonly filled: ReadonlySet<string>;
  /** Columns whose stored default differs from the definition. */
  readonly otherDefaults: ReadonlySet<string>;
}

/** Collects the reasons why a change is refused, each with the statement that would make the change. */
export type Refuse = (reason: string) => void;

/** The column for `create table` and `add column`. */
export function columnDefinition(column: Column): string {
  const fallback = defaultOf(column);
  return [
    quoteIdentifier(column.name),
    column.format.sqlType,
    ...(column.isNullable ? [] : ['not null']),
    ...(fallback === undefined ? [] : [`default ${fallback}`]),
  ].join(' ');
}

const defaultOf = (column: Column): string | undefined =>
  column.databaseDefault ?? column.defaultSql ?? defaultLiteral(column);

/** A default that is a function returns a new value for each record. The database can only store one value, so it gets none. */
function defaultLiteral(column: Column): string | undefined {
  if (column.defaultValue === undefined || hasVolatileDefault(column)) return undefined;
  const value = encodeColumn(column, column.defaultValue());
  if (value === null) return undefined;
  const text = typeof value === 'string' ? value : `\\x${value.toString('hex')}`;
  return `${quoteLiteral(text)}::${column.format.sqlType}`;
}

/** zod does not distinguish a function from a value. So the default is read again, some time after the definition was made. */
function hasVolatileDefault(column: Column): boolean {
  if (column.defaultValue === undefined) return false;
  const values = [column.firstDefault, column.defaultValue(), column.defaultValue()];
  return new Set(values.map((value) => String(encodeColumn(column, value)))).size > 1;
}

/** Plans renames first, so that all later steps see the new names. */
export function planRenames(table: RegisteredTable, live: LiveTable, refuse: Refuse): string[] {
  const names = new Set(live.columns.map(({ name }) => name));
  return Object.entries(table.definition.renamedFrom).flatMap(([field, from]) => {
    if (from === null || !names.has(from)) return [];
    const rename = `alter table ${table.qualifiedName} rename column ${quoteIdentifier(from)} to ${quoteIdentifier(field)}`;
    if (names.has(field)) {
      refuse(
        `column ${field} is renamed from ${from}, but both are in the database; move what ${from} holds and drop it: ` +
          `update ${table.qualifiedName} set ${quoteIdentifier(field)} = ${quoteIdentifier(from)}; ` +
          `alter table ${table.qualifiedName} drop column ${quoteIdentifier(from)}`,
      );
      return [];
    }
    return [
      withEffect(`renames column ${from} to ${field}; the rows keep their values`, rename),
      ...renameCheck(table, live, from, field),
    ];
  });
}

/** Citus does not rename constraints, so there the check is dropped, and added again under its new name. */
function renameCheck(table: RegisteredTable, live: LiveTable, from: string, to: string): string[] {
  const check = checkName(table.name, from);
  if (live.checks[check] === undefined) return [];
  if (table.placement !== 'here')
    return [`alter table ${table.qualifiedName} drop constraint ${quoteIdentifier(check)}`];
  return [
    `alter table ${table.qualifiedName} rename constraint ${quoteIdentifier(check)} to ${quoteIdentifier(checkName(table.name, to))}`,
  ];
}

/** The table as it is after its declared renames. */
export function afterRenames(table: RegisteredTable, live: LiveTable): LiveTable {
  const renamed = new Map(
    Object.entries(table.definition.renamedFrom).flatMap(([to, from]) => (from === null ? [] : [[from, to] as const])),
  );
  if (renamed.size === 0) return live;
  const present = new Set(live.columns.map(({ name }) => name));
  const nameOf = (name: string): string => {
    const to = renamed.get(name);
    return to === undefined || present.has(to) ? name : to;
  };
  return {
    ...live,
    columns: live.columns.map((column) => ({ ...column, name: nameOf(column.name) })),
    primaryKey: live.primaryKey.map(nameOf),
    checks: Object.fromEntries(
      Object.entries(live.checks).flatMap(([name, definition]) => {
        const column = [...renamed.keys()].find((from) => checkName(table.name, from) === name);
        if (column !== undefined && table.placement !== 'here') return [];
        return [[column === undefined ? name : checkName(table.name, nameOf(column)), definition] as const];
      }),
    ),
  };
}

/** Plans changes of columns that keep every value. Other changes are refused. */
export function planColumns(table: RegisteredTable, live: LiveTable, facts: RowFacts, refuse: Refuse): string[] {
  const isStored = (name: string) => live.columns.some((stored) => stored.name === name);
  const added = table.columns.filter(({ name }) => !isStored(name));
  for (const column of added) checkAdded(table, column, live, facts, refuse);
  for (const stored of unusedColumns(table, live)) checkUnusedColumn(table, stored, refuse);
  return [
    ...added.map((column) => addColumn(table, column)),
    ...table.columns.flatMap((column) => {
      const stored = live.columns.find(({ name }) => name === column.name);
      return stored ? alterColumn(table, column, stored, live, facts, refuse) : [];
    }),
  ];
}

/** Columns of the database that are not in the definition. */
export const unusedColumns = (table: RegisteredTable, live: LiveTable): LiveColumn[] =>
  live.columns.filter(({ name }) => !table.columns.some((column) => column.name === name));

function addColumn(table: RegisteredTable, column: Column): string {
  const sql = `alter table ${table.qualifiedName} add column ${columnDefinition(column)}`;
  const fallback = defaultOf(column);
  const filled = fallback === undefined ? 'null' : `the default ${fallback}`;
  return withEffect(`adds column ${column.name}; rows that are there get ${filled}`, sql);
}

function checkAdded(table: RegisteredTable, column: Column, live: LiveTable, facts: RowFacts, refuse: Refuse): void {
  if (live.isEmpty) return;
  const add = `alter table ${table.qualifiedName} add column ${quoteIdentifier(column.name)} ${column.format.sqlType}`;
  if (hasVolatileDefault(column)) {
    refuse(
      `column ${column.name} is new and its default is a function, which would give all existing rows the same value: make it optional first and fill it, after ${add}`,
    );
  } else if (!column.isNullable && defaultOf(column) === undefined) {
    refuse(
      `column ${column.name} is new and not null, but the table has rows: make it optional or give it a default, or fill it after ${add}`,
    );
  }
  if (Object.hasOwn(table.definition.renamedFrom, column.field)) return;
  const old = unusedColumns(table, live).find(({ name, type }) => facts.filled.has(name) && mayBeSame(type, column));
  if (old === undefined) return;
  refuse(
    `column ${column.name} is new while column ${old.name} holds values and is no longer in the definition: say renamedFrom: { ${column.name}: '${old.name}' } and register runs ` +
      `alter table ${table.qualifiedName} rename column ${quoteIdentifier(old.name)} to ${quoteIdentifier(column.name)}; if ${column.name} is another column, say renamedFrom: { ${column.name}: null }`,
  );
}

const NUMBERS = new Set(['integer', 'bigint', 'double precision']);

/** Whether a new column may be a removed one under another name. */
const mayBeSame = (type: string, { format: { sqlType } }: Column): boolean =>
  type === sqlType || (NUMBERS.has(type) && NUMBERS.has(sqlType));

function checkUnusedColumn(table: RegisteredTable, stored: LiveColumn, refuse: Refuse): void {
  if (!stored.isNotNull || stored.default !== null) return;
  refuse(
    `column ${stored.name} is in the database, not null and without a default, but not in the definition: ` +
      `keep it there, or give it up with alter table ${table.qualifiedName} alter column ${quoteIdentifier(stored.name)} drop not null`,
  );
}

function alterColumn(
  table: RegisteredTable,
  column: Column,
  stored: LiveColumn,
  live: LiveTable,
  facts: RowFacts,
  refuse: Refuse,
): string[] {
  const alter = `alter table ${table.qualifiedName} alter column ${quoteIdentifier(column.name)}`;
  return [
    ...alterType(alter, table, column, stored, live, refuse),
    ...alterNullability(alter, column, stored, live, refuse),
    ...alterDefault(alter, column, stored, facts),
  ];
}

function alterDefault(alter: string, column: Column, stored: LiveColumn, { otherDefaults }: RowFacts): string[] {
  const { databaseDefault, defaultSql } = column;
  if (databaseDefault !== undefined && (stored.default === null || otherDefaults.has(column.name))) {
    const effect = `new rows get the default ${databaseDefault} in column ${column.name}; rows that are there stay as they are`;
    return [withEffect(effect, `${alter} set default ${databaseDefault}`)];
  }
  return defaultSql !== undefined && stored.default === null ? [`${alter} set default ${defaultSql}`] : [];
}

function alterType(
  alter: string,
  table: RegisteredTable,
  column: Column,
  stored: LiveColumn,
  live: LiveTable,
  refuse: Refuse,
): string[] {
  const wanted = column.format.sqlType;
  if (stored.type === wanted) return [];
  const name = quoteIdentifier(column.name);
  const conversion = column.format.conversions?.[stored.type];
  if (conversion)
    return [
      withEffect(
        `column ${column.name} becomes ${wanted}; each value becomes the one that ${wanted} has for it`,
        `${alter} type ${wanted} using ${conversion(name)}`,
      ),
    ];
  const change = `${alter} type ${wanted} using ${name}::${wanted}`;
  if (isWidening(stored.type, wanted))
    return [withEffect(`column ${column.name} becomes ${wanted}; every value stays as it is`, change)];
  if (live.isEmpty)
    return [withEffect(`column ${column.name} becomes ${wanted}; the table is empty`, whileEmpty(table, change))];
  refuse(`column ${column.name} is ${stored.type}, and should be ${wanted}, which is done by ${change}`);
  return [];
}

/** A row that another session adds before this change has its lock would be changed together with the table. */
export const whileEmpty = (table: RegisteredTable, change: string): string =>
  doBlock(`begin
  lock table ${table.qualifiedName} in access exclusive mode;
  if exists (select from pg_partition_tree(${quoteLiteral(table.qualifiedName)}::regclass) t where pg_relation_size(t.relid) > 0)
    or pg_relation_size(${quoteLiteral(table.qualifiedName)}::regclass) > 0${hasShardsWithRows(table)} then
    raise exception 'the table has got rows in the meantime; register again' using errcode = 'serialization_failure';
  end if;
  ${change};
end`);

/** On the coordinator of Citus a distributed table has no row. */
const hasShardsWithRows = ({ placement, qualifiedName }: RegisteredTable): string =>
  placement === 'here'
    ? ''
    : `
    or exists (select from pg_dist_partition where logicalrelid = ${quoteLiteral(qualifiedName)}::regclass and citus_relation_size(logicalrelid) > 0)`;

/** The body may contain any name, so the dollar-quote tag is one that the body does not contain. */
function doBlock(body: string): string {
  let tag = '$intendant$';
  while (body.includes(tag)) tag = `${tag.slice(0, -1)}_$`;
  return `do ${tag} ${body} ${tag}`;
}

function alterNullability(
  alter: string,
  column: Column,
  stored: LiveColumn,
  live: LiveTable,
  refuse: Refuse,
): string[] {
  if (stored.isNotNull === !column.isNullable) return [];
  if (column.isNullable) return [withEffect(`column ${column.name} may be null from now on`, `${alter} drop not null`)];
  if (live.isEmpty) return [`${alter} set not null`];
  refuse(`column ${column.name} may be null, and should be not null: fill it and run ${alter} set not null`);
  return [];
}

const WIDENINGS = new Set([
  'integer to bigint',
  'integer to double precision',
  'timestamp with time zone to timestamp(3) with time zone',
]);
const isWidening = (from: string, to: string): boolean => WIDENINGS.has(`${from} to ${to}`);
