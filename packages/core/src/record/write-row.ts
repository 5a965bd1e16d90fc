import { z } from 'zod';
import type { Scope } from '../context/scope.ts';
import { InvalidRecordError } from '../error/intendant-error.ts';
import type { WireValue } from '../exchange/statement.ts';
import { perTable } from '../statement/per-table.ts';
import type { Column } from '../table/column.ts';
import type { TableSchema } from '../table/define-table.ts';
import type { RegisteredTable } from '../table/registered-table.ts';
import { quoted } from './describe-key.ts';
import { encodeField } from './encode-field.ts';
import { orgUnknown, ownIds } from './identity.ts';

/** A record that was checked by the table's schema, encoded as parameters. The caller's object is not changed. */
export interface WritableRow {
  /** Values for `table.columns`, in their order, without the framework's own columns at the end. */
  readonly values: readonly WireValue[];
  /** The revision in the record; undefined if it has none. */
  readonly revision: string | undefined;
  /**
   * Whether the record names no instance in a store without an instancer. Then it replaces the record with its key, in
   * whichever instance.
   */
  readonly findsInstance?: boolean;
}

const DATABASE_FIELDS = new Set(['revision', 'createdAt', 'updatedAt', 'deletedAt']);
const FRAMEWORK_FIELDS = new Set([...DATABASE_FIELDS, 'orgId', 'instanceId']);

/** The columns for which a record has values, in the table's order: all except revision and timestamps. */
export const suppliedColumns = perTable((table): readonly Column[] =>
  table.columns.filter((column) => !DATABASE_FIELDS.has(column.field)),
);

/**
 * Checks a record against the table and the scope. Fields with a default in the database may be missing, and are then
 * null. Throws InvalidRecordError or OperationNotAllowedError.
 */
export function writeRow(table: RegisteredTable, scope: Scope, record: unknown): WritableRow {
  return rowOf(table, scope, record, newRecordSchema(table));
}

/** The same for a record that replaces another one: missing fields get no default. */
export function writeChangedRow(table: RegisteredTable, scope: Scope, record: unknown): WritableRow {
  return rowOf(table, scope, record, table.definition.schema);
}

/** The table's schema with the fields optional that the database computes. Checks of the whole record (zod's `refine`) are kept. */
const newRecordSchema = perTable(({ definition: { schema, columns } }): TableSchema => {
  const defaulted = columns.filter(({ databaseDefault }) => databaseDefault !== undefined);
  if (defaulted.length === 0) return schema;
  const optional = defaulted.map(({ field }) => [field, z.optional(schema.shape[field] as z.ZodType)] as const);
  return z.clone(schema, { ...schema.def, shape: { ...schema.shape, ...Object.fromEntries(optional) } });
});

function rowOf(table: RegisteredTable, scope: Scope, record: unknown, schema: TableSchema): WritableRow {
  const given = pickFields(table, record);
  const parsed = parse(table, schema, given);
  const ids = ownIds(table, scope, record as { orgId?: unknown; instanceId?: unknown });
  if (table.isTenanted && ids.orgId === undefined) throw orgUnknown(table);
  const values: WireValue[] = [];
  if (table.isTenanted) values.push(ids.orgId as string);
  if (table.isInstanced) values.push(ids.instanceId ?? '');
  for (const column of table.definition.columns) values.push(encodeField(table, column, parsed[column.field]));
  return { values, revision: readRevision(table, (record as { revision?: unknown }).revision) };
}

/**
 * The same for a session's methods. In a store without an instancer the key identifies the record, and the instance may
 * be omitted.
 */
export function writeRowByKey(
  table: RegisteredTable,
  scope: Scope,
  record: unknown,
  write: typeof writeRow = writeRow,
): WritableRow {
  const row = write(table, scope, record);
  if (!table.sharesKeys) return row;
  const { instanceId } = record as { instanceId?: unknown };
  return { ...row, findsInstance: instanceId === undefined || instanceId === null };
}

function pickFields(table: RegisteredTable, record: unknown): Record<string, unknown> {
  if (typeof record !== 'object' || record === null || Array.isArray(record)) {
    throw new InvalidRecordError(`${table.name}: a record must be an object`, { details: { table: table.name } });
  }
  const picked: Record<string, unknown> = {};
  for (const [field, value] of Object.entries(record)) {
    if (FRAMEWORK_FIELDS.has(field)) continue;
    if (!table.columnByField.has(field)) {
      throw new InvalidRecordError(`${table.name}: there is no column ${quoted(field)}`, {
        details: { table: table.name, issues: [{ path: [field], message: 'no such column' }] },
      });
    }
    picked[field] = value;
  }
  return picked;
}

function parse(table: RegisteredTable, schema: TableSchema, given: Record<string, unknown>): Record<string, unknown> {
  const result = z.safeParse(schema, given);
  if (result.success) return result.data;
  const issues = result.error.issues.map(({ path, message, code }) => ({ path, message, code }));
  const summary = issues.map(({ path, message }) => `${path.join('.') || 'record'}: ${message}`).join('; ');
  throw new InvalidRecordError(`${table.name}: ${summary}`, { details: { table: table.name, issues } });
}

export function readRevision(table: RegisteredTable, revision: unknown): string | undefined {
  if (revision === undefined || revision === null || !table.definition.revisioned) return undefined;
  if (!Number.isSafeInteger(revision) || (revision as number) < 0) {
    throw new InvalidRecordError(`${table.name}: revision must be a whole number, 0 or greater`, {
      details: { table: table.name },
    });
  }
  return String(revision);
}
