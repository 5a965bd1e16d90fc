import { isInstanceScoped, isTenantScoped } from '../context/db-role.ts';
import { quoted } from '../record/describe-key.ts';
import { encodeField } from '../record/encode-field.ts';
import type { Column } from '../table/column.ts';
import type { AnyTable, RecordOf } from '../table/record-types.ts';
import { INSTANCE_ID, ORG_ID } from '../table/registered-table.ts';
import { type FilterTarget, invalid } from './filter.ts';
import { quoteIdentifier } from './identifier.ts';

/** Sort direction: ascending or descending. */
export type Direction = 'asc' | 'desc';

/** Columns to sort by, first to last. A list also works for columns with names like numbers. */
export type OrderBy<T extends AnyTable> = OrderOn<RecordOf<T>> | readonly OrderOn<RecordOf<T>>[];

type OrderOn<Fields> = { readonly [Field in keyof Fields]?: Direction };

interface OrderTerm {
  readonly column: Column;
  readonly direction: Direction;
}

/** The given order, then the rest of the identity. So the order is total and pages never overlap. */
export function orderTerms(orderBy: unknown, into: FilterTarget): OrderTerm[] {
  const asked = askedTerms(orderBy, into);
  const rest = tieBreakers(into).filter((column) => !asked.some((term) => term.column === column));
  return [...asked, ...rest.map((column) => ({ column, direction: 'asc' as const }))];
}

function askedTerms(orderBy: unknown, { table }: FilterTarget): OrderTerm[] {
  if (orderBy === undefined) return [];
  const lists = Array.isArray(orderBy) ? orderBy : [orderBy];
  return lists.flatMap((list) => {
    if (typeof list !== 'object' || list === null)
      throw invalid(table, "orderBy must be an object of columns and directions, as in { name: 'asc' }");
    return Object.entries(list).map(([field, direction]) => {
      const column = table.columnByField.get(field);
      if (!column) throw invalid(table, `there is no column ${quoted(field)} to sort by`);
      if (direction !== 'asc' && direction !== 'desc') throw invalid(table, `${column.field}: sort by asc or desc`);
      return { column, direction };
    });
  });
}

/** Omits org and instance if the scope fixes both, so that an index on the key provides the order. */
const tieBreakers = ({ table, scope }: FilterTarget): Column[] => {
  const leading = [
    ...(table.isTenanted && !isTenantScoped(scope.role) ? [ORG_ID] : []),
    ...(table.isInstanced && !table.sharesKeys && !isInstanceScoped(scope.role) ? [INSTANCE_ID] : []),
  ];
  return [...leading, ...table.key, ...(table.sharesKeys ? [INSTANCE_ID] : [])];
};

export const orderClause = (terms: readonly OrderTerm[]): string =>
  terms.map(({ column, direction }) => `${quoteIdentifier(column.name)} ${direction}`).join(', ');

/**
 * Selects the rows that come after `after` in this order. It compares values instead of counting rows, so a page
 * neither repeats nor skips a row when others are added or removed. Nulls come last in ascending and first in
 * descending order, as in Postgres.
 */
export function afterCondition(after: unknown, all: readonly OrderTerm[], into: FilterTarget): string {
  const terms = namedTerms(after, all, into);
  const values = terms.map((term) => readAfter(after, term, terms, into));
  if (terms.every(({ column, direction }) => direction === 'asc' && !column.isNullable)) {
    const names = terms.map(({ column }) => quoteIdentifier(column.name)).join(', ');
    const bounds = terms.map(
      ({ column }, index) =>
        `${into.parameters.add(encodeField(into.table, column, values[index]))}::${column.format.sqlType}`,
    );
    return `(${names}) > (${bounds.join(', ')})`;
  }
  const alternatives = terms.map((term, index) => {
    const equal = terms.slice(0, index).map((previous, at) => equality(previous, values[at], into));
    return `(${[...equal, beyond(term, values[index], into)].join(' and ')})`;
  });
  return `(${alternatives.join(' or ')})`;
}

/** A key without an instance identifies the records of all instances that have it. The next page begins after them. */
function namedTerms(after: unknown, terms: readonly OrderTerm[], { table }: FilterTarget): readonly OrderTerm[] {
  const namesInstance = Object(after).instanceId !== undefined;
  const isOpen = table.sharesKeys && terms.length > 1 && terms.at(-1)?.column === INSTANCE_ID && !namesInstance;
  return isOpen ? terms.slice(0, -1) : terms;
}

function readAfter(
  after: unknown,
  { column }: OrderTerm,
  terms: readonly OrderTerm[],
  { table }: FilterTarget,
): unknown {
  const isBare = typeof after !== 'object' || after === null || after instanceof Date || after instanceof Uint8Array;
  if (isBare && terms.length === 1) return after;
  const value = isBare ? undefined : (after as Record<string, unknown>)[column.field];
  if (value === undefined && !column.isOmittedWhenNull) {
    throw invalid(
      table,
      `after has no ${column.field}, but the page is sorted by it; pass the last record of the previous page`,
    );
  }
  return value ?? null;
}

function equality({ column }: OrderTerm, value: unknown, into: FilterTarget): string {
  const name = quoteIdentifier(column.name);
  return value === null ? `${name} is null` : `${name} = ${bound(column, value, into)}`;
}

function beyond({ column, direction }: OrderTerm, value: unknown, into: FilterTarget): string {
  const name = quoteIdentifier(column.name);
  if (direction === 'desc') return value === null ? `${name} is not null` : `${name} < ${bound(column, value, into)}`;
  if (value === null) return 'false';
  const greater = `${name} > ${bound(column, value, into)}`;
  return column.isNullable ? `(${greater} or ${name} is null)` : greater;
}

const bound = (column: Column, value: unknown, { table, parameters }: FilterTarget): string =>
  `${parameters.add(encodeField(table, column, value))}::${column.format.sqlType}`;
