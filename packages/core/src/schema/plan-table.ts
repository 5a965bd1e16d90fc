import type { DbRole } from '../context/db-role.ts';
import { ConfigurationError } from '../error/intendant-error.ts';
import { quoteIdentifier, quoteLiteral } from '../statement/identifier.ts';
import { type Column, encodeColumn } from '../table/column.ts';
import { indexName, primaryKeyName } from '../table/constraint-name.ts';
import type { RegisteredTable } from '../table/registered-table.ts';
import { checkDefinitions, planChecks } from './checks.ts';
import { compareGrants, tableGrants } from './grants.ts';
import type { LiveColumn, LiveTable } from './live-schema.ts';
import { comparePolicies, tablePolicies } from './policies.ts';
import { planRevisionTrigger } from './revision-trigger.ts';

/** The SQL that takes one table from what it is to what it should be. Throws ConfigurationError for what would lose data. */
export function planTable(
  table: RegisteredTable,
  live: LiveTable | undefined,
  roleName: (role: DbRole) => string,
): string[] {
  return [
    ...(live ? planChanges(table, live) : [createTable(table)]),
    ...planIndexes(table, live),
    ...planRevisionTrigger(table, live),
    ...(live?.hasRowSecurity ? [] : [`alter table ${table.qualifiedName} enable row level security`]),
    ...(live?.isRowSecurityForced ? [] : [`alter table ${table.qualifiedName} force row level security`]),
    ...comparePolicies(table.qualifiedName, live, tablePolicies(table, roleName)).flatMap(
      ({ statements }) => statements,
    ),
    ...compareGrants(table.qualifiedName, live?.grants ?? [], tableGrants(roleName)).flatMap(
      ({ statements }) => statements,
    ),
  ];
}

function createTable(table: RegisteredTable): string {
  const parts = [
    ...table.columns.map(columnDefinition),
    `constraint ${quoteIdentifier(primaryKeyName(table.name))} primary key (${names(table.identity)})`,
    ...checkDefinitions(table),
  ];
  return `create table ${table.qualifiedName} (\n  ${parts.join(',\n  ')}\n)`;
}

function columnDefinition(column: Column): string {
  const fallback = column.defaultSql ?? defaultLiteral(column);
  return [
    quoteIdentifier(column.name),
    column.format.sqlType,
    ...(column.isNullable ? [] : ['not null']),
    ...(fallback === undefined ? [] : [`default ${fallback}`]),
  ].join(' ');
}

function defaultLiteral(column: Column): string | undefined {
  if (column.defaultValue === undefined) return undefined;
  const value = encodeColumn(column, column.defaultValue);
  if (value === null) return undefined;
  const text = typeof value === 'string' ? value : `\\x${value.toString('hex')}`;
  return `${quoteLiteral(text)}::${column.format.sqlType}`;
}

const names = (columns: readonly Column[]): string => columns.map(({ name }) => quoteIdentifier(name)).join(', ');

/** Changes that keep every row as it is; others are refused. */
function planChanges(table: RegisteredTable, live: LiveTable): string[] {
  const refusals: string[] = [];
  const added = table.columns.filter((column) => !live.columns.some(({ name }) => name === column.name));
  for (const column of added) {
    const isFilled = column.isNullable || column.defaultSql !== undefined || column.defaultValue !== undefined;
    if (!isFilled && !live.isEmpty)
      refusals.push(
        `column ${column.name} is new and not null, but there are rows: make it optional or give it a default`,
      );
  }
  const altered = table.columns.flatMap((column) => {
    const stored = live.columns.find(({ name }) => name === column.name);
    return stored ? alterColumn(column, stored, live, refusals) : [];
  });
  for (const stored of live.columns) {
    if (stored.isNotNull && stored.default === null && !table.columns.some(({ name }) => name === stored.name)) {
      refusals.push(
        `column ${stored.name} is in the database, not null and without a default, but not in the definition`,
      );
    }
  }
  const key = planPrimaryKey(table, live, refusals);
  if (refusals.length > 0) throw refused(table, refusals);
  return [
    ...added.map((column) => `alter table ${table.qualifiedName} add column ${columnDefinition(column)}`),
    ...altered.map((change) => `alter table ${table.qualifiedName} ${change}`),
    ...key,
    ...planChecks(table, live),
  ];
}

const refused = (table: RegisteredTable, differences: readonly string[]): ConfigurationError =>
  new ConfigurationError(`table ${table.name} cannot be changed without losing data: ${differences.join('; ')}`, {
    details: { table: table.name, differences },
  });

function alterColumn(column: Column, stored: LiveColumn, live: LiveTable, refusals: string[]): string[] {
  const name = quoteIdentifier(column.name);
  const changes: string[] = [];
  if (stored.type !== column.format.sqlType) {
    if (live.isEmpty || isWidening(stored.type, column.format.sqlType))
      changes.push(`alter column ${name} type ${column.format.sqlType} using ${name}::${column.format.sqlType}`);
    else refusals.push(`column ${column.name} is ${stored.type}, and should be ${column.format.sqlType}`);
  }
  if (stored.isNotNull && column.isNullable) changes.push(`alter column ${name} drop not null`);
  if (!stored.isNotNull && !column.isNullable) {
    if (live.isEmpty) changes.push(`alter column ${name} set not null`);
    else
      refusals.push(
        `column ${column.name} may be null, and should be not null: fill it and run alter column ${name} set not null`,
      );
  }
  if (column.defaultSql !== undefined && stored.default === null)
    changes.push(`alter column ${name} set default ${column.defaultSql}`);
  return changes;
}

const WIDENINGS = new Set([
  'integer to bigint',
  'integer to double precision',
  'timestamp with time zone to timestamp(3) with time zone',
]);
const isWidening = (from: string, to: string): boolean => WIDENINGS.has(`${from} to ${to}`);

/** `instance_id` may join the key, as a second store with an instancer wants it; nothing else about a key can change under rows. */
function planPrimaryKey(table: RegisteredTable, live: LiveTable, refusals: string[]): string[] {
  const wanted = table.identity.map(({ name }) => name);
  const name = quoteIdentifier(primaryKeyName(table.name));
  if (live.primaryKey.join() === wanted.join() && live.primaryKeyName === primaryKeyName(table.name)) return [];
  const isWider = live.primaryKey.every((column) => wanted.includes(column));
  if (!isWider && !live.isEmpty) {
    refusals.push(`its primary key is (${live.primaryKey.join(', ')}), and should be (${wanted.join(', ')})`);
    return [];
  }
  const drop = live.primaryKeyName === null ? [] : [`drop constraint ${quoteIdentifier(live.primaryKeyName)}`];
  return [
    `alter table ${table.qualifiedName} ${[...drop, `add constraint ${name} primary key (${names(table.identity)})`].join(', ')}`,
  ];
}

function planIndexes(table: RegisteredTable, live: LiveTable | undefined): string[] {
  const scopeColumns = table.identity.filter((column) => !table.key.includes(column));
  return table.definition.indexes.flatMap((fields) => {
    const indexed = fields.map((field) => table.columnByField.get(field) as Column);
    const name = indexName(table.name, fields);
    if (live?.indexes.includes(name)) return [];
    return [
      `create index ${quoteIdentifier(name)} on ${table.qualifiedName} (${names([...scopeColumns, ...indexed])})`,
    ];
  });
}
