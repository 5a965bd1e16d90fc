import { InvalidRecordError } from '@intendant/core';
import { encodeField, type RegisteredTable } from '@intendant/core/internal';
import type { NumberedChange } from '../log/log-entry.ts';

/** Selects changes of a table, in addition to their operation. */
export interface ChangeFilter {
  /**
   * Changes of these rows: each row by its key's fields, or by the key's value alone if the key is one field. Default:
   * all rows.
   */
  readonly keys?: readonly (string | number | bigint | Date | Uint8Array | Readonly<Record<string, unknown>>)[];
  /**
   * Changes whose record has these values: each field by value, by a list of values, or by comparisons (`{ gte: 10, lt:
   * 20 }`) of `eq`, `ne`, `in`, `notIn`, `lt`, `lte`, `gt` and `gte`; all must hold. Fields of the key, `orgId`,
   * `instanceId` and `revision` can always be used; others if the table's changes contain the record. The record is the
   * row after the change, for a delete the row before it. So no change is delivered for a row that no longer matches
   * the filter. Default: all.
   */
  readonly where?: Readonly<Record<string, unknown>>;
}

type Matches = (numbered: NumberedChange) => boolean;
type Test = (value: unknown) => boolean;

/** The columns that every change carries. */
const ALWAYS_PRESENT = new Set(['orgId', 'instanceId', 'revision']);

/**
 * Returns a function that tests a change against the filter; undefined if the filter selects all. Throws
 * InvalidRecordError for an invalid filter.
 */
export function readFilter(table: RegisteredTable, { keys, where }: ChangeFilter): Matches | undefined {
  const tests = [
    ...(keys === undefined ? [] : [keyTest(table, keys)]),
    ...(where === undefined ? [] : whereTests(table, where)),
  ];
  return tests.length === 0 ? undefined : (numbered) => tests.every((test) => test(numbered));
}

/** Whether it compares fields that only a record contains. */
export function needsRecord(table: RegisteredTable, { where = {} }: ChangeFilter): boolean {
  const key = new Set(table.key.map(({ field }) => field));
  return Object.keys(where).some((field) => !key.has(field) && !ALWAYS_PRESENT.has(field));
}

function keyTest(table: RegisteredTable, keys: unknown): Matches {
  if (!Array.isArray(keys) || keys.length === 0) throw invalid('keys must be a list of keys, and not an empty one');
  const wanted = new Set(keys.map((key) => printKey(table, fieldsOf(table, key), canonical)));
  return ({ change }) => wanted.has(printKey(table, change.key, canonicalStored));
}

function fieldsOf(table: RegisteredTable, key: unknown): Readonly<Record<string, unknown>> {
  const fields: Readonly<Record<string, unknown>> = isObject(key) ? key : { [table.key[0]?.field as string]: key };
  const names = table.key.map(({ field }) => field);
  const hasValue = (name: string) => Object.hasOwn(fields, name) && fields[name] !== null && fields[name] !== undefined;
  const isKey = Object.keys(fields).length === names.length && names.every(hasValue);
  if (!isKey) throw invalid(`a key of ${table.name} has the fields ${names.join(', ')}`);
  return fields;
}

type Column = RegisteredTable['columns'][number];
type Canonical = (table: RegisteredTable, column: Column, value: unknown) => string | null;

const printKey = (table: RegisteredTable, fields: Readonly<Record<string, unknown>>, text: Canonical): string =>
  JSON.stringify(table.key.map((column) => text(table, column, fields[column.field])));

/** Returns the same text for equal values, however they are written. Throws for a value that the column cannot store. */
function canonical(table: RegisteredTable, column: Column, value: unknown): string | null {
  if (value === null || value === undefined) return null;
  const encoded = encodeField(table, column, value);
  if (Buffer.isBuffer(encoded)) return encoded.toString('hex');
  if (column.format.sqlType === 'jsonb') return JSON.stringify(JSON.parse(encoded as string, sortFields));
  return encoded === '-0' ? '0' : encoded;
}

/** The same for a value of a change. SQL can store what a record cannot hold, e.g. NaN; no wanted value is equal to it. */
function canonicalStored(table: RegisteredTable, column: Column, value: unknown): string | null {
  try {
    return canonical(table, column, value);
  } catch {
    return String(value);
  }
}

const sortFields = (_: string, value: unknown): unknown =>
  isObject(value) ? Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1))) : value;

function whereTests(table: RegisteredTable, where: unknown): Matches[] {
  if (typeof where !== 'object' || where === null || Array.isArray(where)) throw invalid('where must be an object');
  return Object.entries(where).map(([field, wanted]) => {
    const column = table.columnByField.get(field);
    if (!column) throw invalid(`${table.name} has no field ${JSON.stringify(field)}`);
    const test = valueTest(table, column, wanted);
    return ({ change }) => {
      const from = { ...change.key, orgId: change.orgId, instanceId: change.instanceId, revision: change.revision };
      const record: Readonly<Record<string, unknown>> = change.record ?? from;
      // A change from before the table's feed carried records cannot be tested: it is delivered rather than lost.
      return field in record ? test(record[field]) : true;
    };
  });
}

function valueTest(table: RegisteredTable, column: Column, wanted: unknown): Test {
  if (Array.isArray(wanted)) return memberTest(table, column, wanted);
  if (!isObject(wanted)) return memberTest(table, column, [wanted]);
  const tests = Object.entries(wanted).map(([operator, operand]) => operatorTest(table, column, operator, operand));
  return (value) => tests.every((test) => test(value));
}

/** Neither a value of a column nor a list. */
const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' &&
  value !== null &&
  !(value instanceof Date) &&
  !(value instanceof Uint8Array) &&
  !Array.isArray(value);

function memberTest(table: RegisteredTable, column: Column, list: readonly unknown[]): Test {
  if (list.includes(undefined)) throw invalid(`where: ${column.field} is compared with undefined`);
  const wanted = new Set(list.map((value) => canonical(table, column, value)));
  return (value) => wanted.has(canonicalStored(table, column, value));
}

const ORDERED: Readonly<Record<string, (order: number) => boolean>> = {
  lt: (order) => order < 0,
  lte: (order) => order <= 0,
  gt: (order) => order > 0,
  gte: (order) => order >= 0,
};

/** As Postgres sorts: bytes by their values, and NaN after all other numbers. */
function compare(left: unknown, right: unknown): number {
  if (left instanceof Uint8Array && right instanceof Uint8Array) return Buffer.compare(left, right);
  const [a, b] = [left, right].map((value) => (value instanceof Date ? value.getTime() : value)) as [number, number];
  if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
  return a < b ? -1 : Number(a > b);
}

function operatorTest(table: RegisteredTable, column: Column, operator: string, operand: unknown): Test {
  const member = () => memberTest(table, column, Array.isArray(operand) ? operand : [operand]);
  if (operator === 'eq' || operator === 'in') return member();
  if (operator === 'ne' || operator === 'notIn') {
    const test = member();
    return (value) => !test(value);
  }
  const isWanted = ORDERED[operator];
  if (!isWanted || operand === null || operand === undefined)
    throw invalid(`where: ${column.field} cannot be compared by ${JSON.stringify(operator)} with this value`);
  canonical(table, column, operand);
  return (value) => value !== null && value !== undefined && isWanted(compare(value, operand));
}

const invalid = (reason: string): InvalidRecordError => new InvalidRecordError(`subscribe: ${reason}`);
