import type { DbRole } from '../context/db-role.ts';
import { ConfigurationError } from '../error/intendant-error.ts';
import type { RegisteredTable } from '../table/registered-table.ts';
import { checkDefinitions, planChecks } from './checks.ts';
import { withEffect } from './effect.ts';
import { compareGrants, tableGrants } from './grants.ts';
import type { LiveTable } from './live-schema.ts';
import { afterRenames, columnDefinition, planColumns, planRenames, type RowFacts } from './plan-columns.ts';
import { planIndexes } from './plan-indexes.ts';
import { keyDefinition, planPrimaryKey } from './plan-key.ts';
import { compareTablePolicies } from './policies.ts';
import { planRevisionTrigger } from './revision-trigger.ts';

/**
 * Returns the SQL that changes one table to its definition. Throws ConfigurationError for a change that would lose
 * data, show deleted records again or split records, with the statements that would make the change.
 */
export function planTable(
  table: RegisteredTable,
  live: LiveTable | undefined,
  facts: RowFacts,
  roleName: (role: DbRole) => string,
): string[] {
  return [
    ...(live ? planChanges(table, live, facts) : [createTable(table)]),
    ...planIndexes(table, live),
    ...planRevisionTrigger(table, live),
    ...(live?.hasRowSecurity ? [] : [`alter table ${table.qualifiedName} enable row level security`]),
    ...(live?.isRowSecurityForced ? [] : [`alter table ${table.qualifiedName} force row level security`]),
    ...compareTablePolicies(table, live, roleName).flatMap(({ statements }) => statements),
    ...compareGrants(table.qualifiedName, live?.grants ?? [], tableGrants(roleName)).flatMap(
      ({ statements }) => statements,
    ),
  ];
}

function createTable(table: RegisteredTable): string {
  const parts = [...table.columns.map(columnDefinition), keyDefinition(table), ...checkDefinitions(table)];
  return withEffect(
    `creates table ${table.name}`,
    `create table ${table.qualifiedName} (\n  ${parts.join(',\n  ')}\n)`,
  );
}

function planChanges(table: RegisteredTable, stored: LiveTable, facts: RowFacts): string[] {
  const refusals: string[] = [];
  const refuse = (reason: string): void => void refusals.push(reason);
  const renames = planRenames(table, stored, refuse);
  const live = afterRenames(table, stored);
  const columns = planColumns(table, live, facts, refuse);
  const key = planPrimaryKey(table, live, refuse);
  checkRevival(table, facts, refuse);
  if (refusals.length > 0) throw refused(table, refusals);
  return [...renames, ...columns, ...key, ...planChecks(table, live)];
}

function checkRevival(table: RegisteredTable, { filled }: RowFacts, refuse: (reason: string) => void): void {
  if (table.definition.softDelete || !filled.has('deleted_at')) return;
  refuse(
    `softDelete is false, but there are soft-deleted rows, which would be seen again: remove them first with delete from ${table.qualifiedName} where deleted_at is not null`,
  );
}

const refused = (table: RegisteredTable, differences: readonly string[]): ConfigurationError =>
  new ConfigurationError(`table ${table.name} cannot be changed without losing data: ${differences.join('; ')}`, {
    details: { table: table.name, differences },
  });
