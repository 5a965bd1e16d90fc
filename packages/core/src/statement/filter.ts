import type { Scope } from '../context/scope.ts';
import { InvalidRecordError } from '../error/intendant-error.ts';
import type { WireValue } from '../exchange/statement.ts';
import { quoted } from '../record/describe-key.ts';
import { encodeField } from '../record/encode-field.ts';
import { checkScope, pinnedOrg } from '../record/identity.ts';
import type { Column } from '../table/column.ts';
import type { AnyTable, RecordOf } from '../table/record-types.ts';
import type { RegisteredTable } from '../table/registered-table.ts';
import { JSON_DOCUMENT, TEXT } from '../table/wire-format.ts';
import { arrayLiteral } from './array-literal.ts';
import { quoteIdentifier } from './identifier.ts';

/** Comparisons of one column, all of which must hold. `null` means SQL's null. */
export interface Comparison<T> {
  /** Equal to the value; `null` matches SQL's null. */
  readonly eq?: T | null;
  /** Not equal to the value. Null counts as a value: `ne: 'a'` also matches null. */
  readonly ne?: T | null;
  /** Equal to one of the values. An empty list matches nothing. */
  readonly in?: readonly T[];
  /** Equal to none of the values. An empty list matches everything. */
  readonly notIn?: readonly T[];
  /** Less than the value. */
  readonly lt?: T;
  /** Less than or equal to the value. */
  readonly lte?: T;
  /** Greater than the value. */
  readonly gt?: T;
  /** Greater than or equal to the value. */
  readonly gte?: T;
  /** SQL's `like`: `%` matches any characters, `_` one. Only for text columns. */
  readonly like?: T extends string ? string : never;
  /** As `like`, but ignores case. */
  readonly ilike?: T extends string ? string : never;
}

/**
 * Selects records. Each column has a value (equality, also with null) or comparisons, and all must hold. `and` and `or` take
 * lists of filters. A filter that is undefined is refused, because it would silently select more records.
 */
export type Filter<T extends AnyTable> = FilterOn<RecordOf<T>>;

type FilterOn<Fields> = {
  readonly [Field in keyof Fields]?: Fields[Field] | null | Comparison<NonNullable<Fields[Field]>>;
} & { readonly and?: readonly FilterOn<Fields>[]; readonly or?: readonly FilterOn<Fields>[] };

/** Collects the parameters of a statement while it is built. */
export class Parameters {
  readonly values: WireValue[] = [];

  add(value: WireValue): string {
    this.values.push(value);
    return `$${this.values.length}`;
  }
}

type Operator = (name: string, operand: unknown, column: Column, into: FilterTarget) => string;

export interface FilterTarget {
  readonly table: RegisteredTable;
  readonly scope: Scope;
  readonly parameters: Parameters;
}

const encoded = (column: Column, value: unknown, { table, parameters }: FilterTarget): string => {
  const placeholder = parameters.add(encodeField(table, column, value));
  return `${placeholder}::${column.format.sqlType}`;
};

const compare =
  (sql: string): Operator =>
  (name, operand, column, into) => {
    if (operand === null) throw invalid(into.table, `${column.field}: null has no order; compare with eq or ne`);
    return `${name} ${sql} ${encoded(column, operand, into)}`;
  };

const membership =
  (sql: string): Operator =>
  (name, operand, column, { table, parameters }) => {
    if (!Array.isArray(operand)) throw invalid(table, `${column.field}: in and notIn take a list`);
    const values = Array.from(operand, (value) => {
      if (value === null || value === undefined) throw invalid(table, `${column.field}: a list must not contain null`);
      return encodeField(table, column, value);
    });
    return `${name} ${sql}(${parameters.add(arrayLiteral(values))}::${column.format.sqlType}[])`;
  };

const like =
  (sql: 'like' | 'ilike'): Operator =>
  (name, operand, column, into) => {
    if (column.format !== TEXT) throw invalid(into.table, `${column.field}: ${sql} compares only text`);
    return compare(sql)(name, operand, column, into);
  };

const OPERATORS: ReadonlyMap<string, Operator> = new Map<string, Operator>([
  [
    'eq',
    (name, operand, column, into) =>
      operand === null ? `${name} is null` : `${name} = ${encoded(column, operand, into)}`,
  ],
  [
    'ne',
    (name, operand, column, into) =>
      operand === null ? `${name} is not null` : `${name} is distinct from ${encoded(column, operand, into)}`,
  ],
  ['in', membership('= any')],
  ['notIn', membership('<> all')],
  ['lt', compare('<')],
  ['lte', compare('<=')],
  ['gt', compare('>')],
  ['gte', compare('>=')],
  ['like', like('like')],
  ['ilike', like('ilike')],
]);

/** The condition of a filter, with the org where the statement must name it (see `pinnedOrg`). */
export function scopedCondition(filter: unknown, into: FilterTarget): string {
  const condition = filterCondition(filter, into);
  const org = pinnedOrg(into.table, into.scope);
  return org === undefined ? condition : `org_id = ${into.parameters.add(org)} and ${condition}`;
}

/** Returns the SQL condition of a filter; `true` for an empty filter. Throws InvalidRecordError, OperationNotAllowedError. */
export function filterCondition(filter: unknown, into: FilterTarget): string {
  if (filter === undefined) return 'true';
  if (typeof filter !== 'object' || filter === null || Array.isArray(filter))
    throw invalid(into.table, 'a filter must be an object');
  const conditions = Object.entries(filter).map(([field, operand]) => entryCondition(field, operand, into));
  return conditions.length === 0 ? 'true' : conditions.join(' and ');
}

function entryCondition(field: string, operand: unknown, into: FilterTarget): string {
  if ((field === 'and' || field === 'or') && Array.isArray(operand)) {
    if (operand.length === 0) return field === 'and' ? 'true' : 'false';
    const parts = Array.from(operand, (inner) => `(${partCondition(field, inner, into)})`);
    return `(${parts.join(` ${field} `)})`;
  }
  const column = into.table.columnByField.get(field);
  if (!column) throw invalid(into.table, `there is no column ${quoted(field)} to filter by`);
  if (operand === undefined)
    throw invalid(into.table, `the filter on ${field} is undefined; leave it out, or compare with null`);
  const comparisons = isComparison(column, operand) ? Object.entries(operand) : [['eq', operand] as const];
  return (
    comparisons.map(([operator, value]) => comparisonCondition(column, operator, value, into)).join(' and ') || 'true'
  );
}

/** One filter of `and` or `or`. Undefined is refused: it would make an `or` match every row. */
function partCondition(field: string, filter: unknown, into: FilterTarget): string {
  if (filter === undefined) throw invalid(into.table, `a filter in the list of ${field} is undefined`);
  return filterCondition(filter, into);
}

/** Whether a value is an object of comparisons. A JSON document with only operator names as fields needs `{ eq: document }`. */
function isComparison(column: Column, operand: unknown): operand is object {
  if (typeof operand !== 'object' || operand === null) return false;
  if (operand instanceof Date || operand instanceof Uint8Array) return false;
  if (column.format !== JSON_DOCUMENT) return true;
  const fields = Object.keys(operand);
  return !Array.isArray(operand) && fields.length > 0 && fields.every((field) => OPERATORS.has(field));
}

function comparisonCondition(column: Column, operator: string, operand: unknown, into: FilterTarget): string {
  const build = OPERATORS.get(operator);
  if (!build)
    throw invalid(
      into.table,
      `${column.field}: ${quoted(operator)} is not a comparison; expected one of ${[...OPERATORS.keys()].join(', ')}`,
    );
  if (operand === undefined) throw invalid(into.table, `${column.field}: ${operator} is undefined`);
  for (const id of operator === 'in' && Array.isArray(operand) ? operand : operator === 'eq' ? [operand] : []) {
    checkScope(into.table, into.scope, column.field, id);
  }
  return build(quoteIdentifier(column.name), operand, column, into);
}

export const invalid = (table: RegisteredTable, reason: string): InvalidRecordError =>
  new InvalidRecordError(`${table.name}: ${reason}`, { details: { table: table.name } });
