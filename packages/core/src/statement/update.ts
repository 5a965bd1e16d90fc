import type { Statement } from '../exchange/statement.ts';
import type { IdentityValue } from '../record/identity.ts';
import { suppliedColumns, type WritableRow } from '../record/write-row.ts';
import type { RegisteredTable } from '../table/registered-table.ts';
import { allColumns } from './column-list.ts';
import { aliveCondition, identityCondition } from './find.ts';
import { quoteIdentifier } from './identifier.ts';

/**
 * Replaces all columns of the record with this identity, if it is at the row's revision. Answers the row as stored, or
 * none. The revision stands in the condition, so that a conflict leaves a surrounding transaction usable; the trigger
 * would raise.
 */
export function updateStatement(table: RegisteredTable, row: WritableRow, identity: readonly IdentityValue[]): Statement {
  const replaced = replacedColumns(table, row);
  const values = [...replaced.map(({ value }) => value), ...identity.map(({ value }) => value)];
  const revision = row.revision === undefined ? '' : ` and revision = $${values.push(row.revision)}`;
  return {
    name: 'update',
    text: `
    update ${table.qualifiedName}
    set ${[...replaced.map(({ name }, index) => `${quoteIdentifier(name)} = $${index + 1}`), ...touched(table)].join(', ')}
    where ${identityCondition(identity, replaced.length + 1)}${revision}${aliveCondition(table)}
    returning ${allColumns(table)}`,
    values,
  };
}

/** A revisioned table's trigger sets `updated_at`; of the others the statement has to. */
export const touched = (table: RegisteredTable): string[] =>
  table.definition.revisioned ? [] : ['updated_at = clock_timestamp()'];

/** All that the record brings but its identity. A table of nothing else still gets an assignment, so that it counts as a change. */
function replacedColumns(table: RegisteredTable, row: WritableRow) {
  const supplied = suppliedColumns(table).map((column, index) => ({ column, name: column.name, value: row.values[index] ?? null }));
  const replaced = supplied.filter(({ column }) => !table.identity.includes(column));
  return replaced.length > 0 ? replaced : supplied.slice(-1);
}
