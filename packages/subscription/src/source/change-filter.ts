import { InvalidRecordError } from '@intendant/core';
import { checkScope, encodeField, type RegisteredTable, type Scope } from '@intendant/core/internal';
import type { NumberedChange } from '../log/log-entry.ts';
import { valuesOfExtra } from '../log/record-extras.ts';

/** Selects changes of a table, in addition to their operation. */
export interface ChangeFilter {
  /**
   * Changes of these rows: each row by its key's fields, or by the key's value alone if the key is one field. With
   * `orgId` or `instanceId` beside the key's fields: only the row of that org or instance. Default: all rows.
   */
  readonly keys?: readonly (string | number | bigint | Date | Uint8Array | Readonly<Record<string, unknown>>)[];
  /**
   * Changes whose record has these values: each field by value, by a list of values, or by comparisons (`{ gte: 10, lt:
   * 20 }`) of `eq`, `ne`, `in`, `notIn`, `lt`, `lte`, `gt` and `gte`; all must hold. For a JSON field, an object or a list
   * is the value itself, unless the object's fields are comparisons; a JSON field has no order. Fields of the key, `orgId`,
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
 * InvalidRecordError for an invalid filter, and OperationNotAllowedError for one that names another org or instance than
 * that of the scope.
 */
export function readFilter(
  table: RegisteredTable,
  scope: Scope | undefined,
  { keys, where }: ChangeFilter,
): Matches | undefined {
  const tests = [
    ...(keys === undefined ? [] : [keyTest(table, scope, keys)]),
    ...(where === undefined ? [] : whereTests(table, scope, where)),
  ];
  return tests.length === 0 ? undefined : (numbered) => tests.every((test) => test(numbered));
}

/** Whether it compares fields that only a record contains. */
export function needsRecord(table: RegisteredTable, { where = {} }: ChangeFilter): boolean {
  const key = new Set(table.key.map(({ field }) => field));
  return Object.keys(where).some((field) => !key.has(field) && !ALWAYS_PRESENT.has(field));
}

/** The fields that select among rows with the same key. */
const OWNERS = ['orgId', 'instanceId'] as const;
type Owner = Readonly<Partial<Record<(typeof OWNERS)[number], unknown>>>;

function keyTest(table: RegisteredTable, scope: Scope | undefined, keys: unknown): Matches {
  if (!Array.isArray(keys) || keys.length === 0) throw invalid('keys must be a list of keys, and not an empty one');
  const owners = new Map<string, Owner[]>();
  for (const given of Array.from(keys)) {
    const { fields, owner } = readKey(table, given);
    for (const field of OWNERS) checkOwner(table, scope, field, owner[field]);
    const key = printKey(table, fields, canonical);
    owners.set(key, [...(owners.get(key) ?? []), owner]);
  }
  return ({ change }) => {
    const wanted = owners.get(printKey(table, change.key, canonicalStored));
    return wanted?.some((owner) => OWNERS.every((field) => (owner[field] ?? change[field]) === change[field])) ?? false;
  };
}

function readKey(table: RegisteredTable, key: unknown): { fields: Readonly<Record<string, unknown>>; owner: Owner } {
  const given: Readonly<Record<string, unknown>> = isObject(key) ? key : { [table.key[0]?.field as string]: key };
  const names = table.key.map(({ field }) => field);
  const owner = Object.fromEntries(
    OWNERS.filter(
      (field) => !names.includes(field) && table.columnByField.has(field) && given[field] !== undefined,
    ).map((field) => [field, given[field]]),
  );
  const fields = Object.fromEntries(Object.entries(given).filter(([field]) => !Object.hasOwn(owner, field)));
  const hasValue = (name: string) => Object.hasOwn(fields, name) && fields[name] !== null && fields[name] !== undefined;
  const isKey = Object.keys(fields).length === names.length && names.every(hasValue);
  if (!isKey) throw invalid(`a key of ${table.name} has the fields ${names.join(', ')}`);
  return { fields, owner };
}

/** A subscriber of one org that names another is mistaken about what it may see; the same for instances. */
function checkOwner(table: RegisteredTable, scope: Scope | undefined, field: string, named: unknown): void {
  if (scope && named !== undefined && named !== null) checkScope(table, scope, field, named);
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

function whereTests(table: RegisteredTable, scope: Scope | undefined, where: unknown): Matches[] {
  if (!isObject(where)) throw invalid('where must be an object');
  return Object.entries(where).map(([field, wanted]) => {
    const test = fieldTest(table, scope, field, wanted);
    return ({ change }) => {
      const from = { ...change.key, orgId: change.orgId, instanceId: change.instanceId, revision: change.revision };
      const record: Readonly<Record<string, unknown>> = change.record ?? from;
      // A change from before the table's feed carried records cannot be tested: it is delivered rather than lost.
      return field in record ? test(record[field]) : true;
    };
  });
}

function fieldTest(table: RegisteredTable, scope: Scope | undefined, field: string, wanted: unknown): Test {
  const column = table.columnByField.get(field);
  if (column) return valueTest(table, scope, column, wanted);
  const values = valuesOfExtra(table.definition, field);
  if (values) return extraTest(field, values, wanted);
  throw invalid(`${table.name} has no field ${JSON.stringify(field)}`);
}

/** For a field that is no column, e.g. the name of a status: it has one of these values. */
function extraTest(field: string, values: readonly string[], wanted: unknown): Test {
  const [[operator, operand] = ['', undefined], ...others] = Object.entries(
    isObject(wanted) ? wanted : { [Array.isArray(wanted) ? 'in' : 'eq']: wanted },
  );
  const isList = operator === 'in' || operator === 'notIn';
  const named: readonly unknown[] = isList && Array.isArray(operand) ? operand : [operand];
  const isKnown = named.length > 0 && named.every((value) => values.includes(value as string));
  if (others.length > 0 || !['eq', 'ne', 'in', 'notIn'].includes(operator) || !isKnown)
    throw invalid(`where: compare ${field} by eq, ne, in or notIn with ${values.join(', ')}`);
  const isIn: Test = (value) => named.includes(value);
  return operator === 'eq' || operator === 'in' ? isIn : not(isIn);
}

function valueTest(table: RegisteredTable, scope: Scope | undefined, column: Column, wanted: unknown): Test {
  const comparisons = comparisonsOf(column, wanted);
  if (comparisons.length === 0) throw invalid(`where: ${column.field} has an empty object of comparisons`);
  for (const [operator, operand] of comparisons)
    if (operator === 'eq' || operator === 'in')
      for (const named of Array.isArray(operand) ? operand : [operand]) checkOwner(table, scope, column.field, named);
  const tests = comparisons.map(([operator, operand]) => operatorTest(table, column, operator, operand));
  return (value) => tests.every((test) => test(value));
}

type ComparisonEntry = readonly [operator: string, operand: unknown];

function comparisonsOf(column: Column, wanted: unknown): readonly ComparisonEntry[] {
  if (isJson(column)) return isObject(wanted) && hasOnlyOperators(wanted) ? Object.entries(wanted) : [['eq', wanted]];
  if (Array.isArray(wanted)) return [['in', wanted]];
  return isObject(wanted) ? Object.entries(wanted) : [['eq', wanted]];
}

const isJson = ({ format }: Column): boolean => format.sqlType === 'jsonb';

const hasOnlyOperators = (value: object): boolean => {
  const fields = Object.keys(value);
  return fields.length > 0 && fields.every((field) => OPERATORS.has(field));
};

/** Neither a value of a column nor a list. */
const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' &&
  value !== null &&
  !(value instanceof Date) &&
  !(value instanceof Uint8Array) &&
  !Array.isArray(value);

function memberTest(table: RegisteredTable, column: Column, list: readonly unknown[]): Test {
  const values = Array.from(list);
  if (values.includes(undefined)) throw invalid(`where: ${column.field} is compared with undefined`);
  const wanted = new Set(values.map((value) => canonical(table, column, value)));
  return (value) => wanted.has(canonicalStored(table, column, value));
}

function listTest(table: RegisteredTable, column: Column, operator: string, list: unknown): Test {
  if (!Array.isArray(list)) throw invalid(`where: ${column.field}: ${operator} takes a list`);
  if (list.length === 0 && operator === 'in')
    throw invalid(`where: ${column.field} is compared with an empty list, so no change would be delivered`);
  return memberTest(table, column, list);
}

const not =
  (test: Test): Test =>
  (value) =>
    !test(value);

const ORDERED: Readonly<Record<string, (order: number) => boolean>> = {
  lt: (order) => order < 0,
  lte: (order) => order <= 0,
  gt: (order) => order > 0,
  gte: (order) => order >= 0,
};

/** As Postgres sorts: bytes by their values, text by code points (as UTF-8 bytes), and NaN after all other numbers. */
function compare(left: unknown, right: unknown): number {
  if (typeof left === 'string' && typeof right === 'string')
    return Buffer.compare(Buffer.from(left), Buffer.from(right));
  if (left instanceof Uint8Array && right instanceof Uint8Array) return Buffer.compare(left, right);
  const [a, b] = [left, right].map((value) => (value instanceof Date ? value.getTime() : value)) as [number, number];
  if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
  return a < b ? -1 : Number(a > b);
}

function operatorTest(table: RegisteredTable, column: Column, operator: string, operand: unknown): Test {
  if (operator === 'eq') return memberTest(table, column, [operand]);
  if (operator === 'ne') return not(memberTest(table, column, [operand]));
  if (operator === 'in') return listTest(table, column, operator, operand);
  if (operator === 'notIn') return not(listTest(table, column, operator, operand));
  const isWanted = ORDERED[operator];
  if (!isWanted || operand === null || operand === undefined || isJson(column))
    throw invalid(`where: ${column.field} cannot be compared by ${JSON.stringify(operator)} with this value`);
  canonical(table, column, operand);
  return (value) => value !== null && value !== undefined && isWanted(compare(value, operand));
}

const OPERATORS: ReadonlySet<string> = new Set(['eq', 'ne', 'in', 'notIn', ...Object.keys(ORDERED)]);

const invalid = (reason: string): InvalidRecordError => new InvalidRecordError(`subscribe: ${reason}`);
