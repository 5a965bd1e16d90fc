import { z } from 'zod';
import type { Scope } from '../context/scope.ts';
import { InvalidRecordError } from '../error/intendant-error.ts';
import type { Statement } from '../exchange/statement.ts';
import { encodeField } from '../record/encode-field.ts';
import type { Column } from '../table/column.ts';
import type { AnyTable } from '../table/record-types.ts';
import type { RegisteredTable } from '../table/registered-table.ts';
import { type Filter, type FilterTarget, invalid, Parameters, scopedCondition } from './filter.ts';
import { aliveCondition } from './find.ts';
import { quoteIdentifier } from './identifier.ts';
import { touched } from './update.ts';

/**
 * Makes the same changes to every record that matches a filter and is not soft-deleted. The revision trigger increases
 * each revision.
 */
export function updateManyStatement<T extends AnyTable>(
  table: RegisteredTable,
  scope: Scope,
  where: Filter<T>,
  changes: object,
): Statement {
  const into: FilterTarget = { table, scope, parameters: new Parameters() };
  const assignments = changedValues(table, changes).map(
    ([column, value]) =>
      `${quoteIdentifier(column.name)} = ${into.parameters.add(encodeField(table, column, value))}::${column.format.sqlType}`,
  );
  return {
    text: `
    update ${table.qualifiedName}
    set ${[...assignments, ...touched(table)].join(', ')}
    where ${scopedCondition(where, into)}${aliveCondition(table)}`,
    values: into.parameters.values,
  };
}

/** Each changed field with its value as the schema returns it. Throws InvalidRecordError. */
function changedValues(table: RegisteredTable, changes: unknown): [Column, unknown][] {
  if (typeof changes !== 'object' || changes === null || Array.isArray(changes) || Object.keys(changes).length === 0)
    throw invalid(table, 'updateMany needs at least one field to change');
  const shape: Record<string, z.core.$ZodType> = {};
  for (const field of Object.keys(changes)) shape[field] = changeable(table, field);
  const result = z.safeParse(z.object(shape), changes);
  if (!result.success) {
    const issues = result.error.issues.map(({ path, message, code }) => ({ path, message, code }));
    const summary = issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ');
    throw new InvalidRecordError(`${table.name}: ${summary}`, { details: { table: table.name, issues } });
  }
  const parsed = result.data as Record<string, unknown>;
  return Object.keys(shape).map((field) => [table.columnByField.get(field) as Column, parsed[field]]);
}

function changeable(table: RegisteredTable, field: string): z.core.$ZodType {
  const schema = Object.hasOwn(table.definition.schema.shape, field) ? table.definition.schema.shape[field] : undefined;
  if (schema === undefined) throw invalid(table, `updateMany cannot change ${JSON.stringify(field)}`);
  if (table.definition.key.includes(field)) throw invalid(table, `updateMany cannot change the key (${field})`);
  return schema;
}
