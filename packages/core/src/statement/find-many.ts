import type { Scope } from '../context/scope.ts';
import type { Statement } from '../exchange/statement.ts';
import type { AnyTable, RecordOf } from '../table/record-types.ts';
import type { RegisteredTable } from '../table/registered-table.ts';
import { allColumns } from './column-list.ts';
import { type Filter, type FilterTarget, filterCondition, invalid, Parameters } from './filter.ts';
import { aliveCondition } from './find.ts';
import { afterCondition, type OrderBy, orderClause, orderTerms } from './order.ts';

export const DEFAULT_LIMIT = 1_000;

/** Options of `findMany`. */
export interface FindManyOptions<T extends AnyTable> {
  /** Which records. Default all that the caller may see. */
  readonly where?: Filter<T>;
  /** Default: by key. Ties are broken by key always. */
  readonly orderBy?: OrderBy<T>;
  /** Most records to return. Default 1,000: of more records the rest is left out, without an error. `stream` reads them all. */
  readonly limit?: number;
  /** Records to skip. Default 0. Prefer `after`: it stays right while rows come and go. */
  readonly offset?: number;
  /** The last record of the page before, or at least its sort columns and key. Default: from the start. */
  readonly after?: Partial<RecordOf<T>> | string | number | bigint | undefined;
  /** Soft-deleted records too. Default false. */
  readonly includeDeleted?: boolean;
  /** Cancels the statement on the server. */
  readonly signal?: AbortSignal;
}

export function findManyStatement<T extends AnyTable>(
  table: RegisteredTable,
  scope: Scope,
  options: FindManyOptions<T>,
): Statement {
  const into: FilterTarget = { table, scope, parameters: new Parameters() };
  const terms = orderTerms(options.orderBy, into);
  const conditions = [
    filterCondition(options.where, into),
    ...(options.after === undefined ? [] : [afterCondition(options.after, terms, into)]),
  ];
  const limit = into.parameters.add(wholeNumber(table, 'limit', options.limit ?? DEFAULT_LIMIT));
  const offset = into.parameters.add(wholeNumber(table, 'offset', options.offset ?? 0));
  return {
    name: shapeName(into, options.where),
    text: `
    select ${allColumns(table)}
    from ${table.qualifiedName}
    where ${conditions.join(' and ')}${aliveCondition(table, options.includeDeleted)}
    order by ${orderClause(terms)}
    limit ${limit} offset ${offset}`,
    values: into.parameters.values,
  };
}

export function countStatement<T extends AnyTable>(
  table: RegisteredTable,
  scope: Scope,
  options: { readonly where?: Filter<T>; readonly includeDeleted?: boolean },
): Statement {
  const into: FilterTarget = { table, scope, parameters: new Parameters() };
  const condition = filterCondition(options.where, into);
  return {
    name: shapeName(into, options.where),
    text: `
    select count(*)
    from ${table.qualifiedName}
    where ${condition}${aliveCondition(table, options.includeDeleted)}`,
    values: into.parameters.values,
  };
}

export function deleteManyStatement<T extends AnyTable>(
  table: RegisteredTable,
  scope: Scope,
  where: Filter<T>,
): Statement {
  const into: FilterTarget = { table, scope, parameters: new Parameters() };
  return {
    text: `
    delete from ${table.qualifiedName}
    where ${filterCondition(where, into)}`,
    values: into.parameters.values,
  };
}

/** A filter without `and` and `or` has one of few shapes, worth a prepared statement; others might be endless. */
const shapeName = (_into: FilterTarget, where: unknown): string | undefined =>
  where === undefined ||
  (Object.keys(Object(where)).length <= 2 &&
    !Object.keys(Object(where)).some((field) => field === 'and' || field === 'or'))
    ? 'find-many'
    : undefined;

function wholeNumber(table: RegisteredTable, name: string, value: unknown): string {
  if (!Number.isSafeInteger(value) || (value as number) < 0)
    throw invalid(table, `${name} must be a whole number from 0`);
  return String(value);
}
