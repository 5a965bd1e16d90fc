import type { Scope } from '../context/scope.ts';
import type { Statement } from '../exchange/statement.ts';
import type { AnyTable, RecordOf } from '../table/record-types.ts';
import type { RegisteredTable } from '../table/registered-table.ts';
import { allColumns } from './column-list.ts';
import { type Filter, type FilterTarget, invalid, Parameters, scopedCondition } from './filter.ts';
import { aliveCondition } from './find.ts';
import { afterCondition, type OrderBy, orderClause, orderTerms } from './order.ts';

export const DEFAULT_LIMIT = 1_000;

/** Options of `findMany`. */
export interface FindManyOptions<T extends AnyTable> {
  /** The filter. Default: all records that the caller may see. */
  readonly where?: Filter<T>;
  /** The order. Default: by key. Equal records are ordered by key. */
  readonly orderBy?: OrderBy<T>;
  /** Largest number of records to return. Default 1,000. Further records are left out without an error; `stream` reads all. */
  readonly limit?: number;
  /** Number of records to skip. Default 0. Prefer `after`, which stays correct while rows are added and removed. */
  readonly offset?: number;
  /** The last record of the previous page, or at least its sort columns and key. Default: from the start. */
  readonly after?: Partial<RecordOf<T>> | string | number | bigint | undefined;
  /** Whether soft-deleted records are returned too. Default false. */
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
    scopedCondition(options.where, into),
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
  const condition = scopedCondition(options.where, into);
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
    where ${scopedCondition(where, into)}`,
    values: into.parameters.values,
  };
}

/**
 * A filter without `and` and `or` has one of a few shapes, so its statement is prepared. Other filters could have any
 * number of shapes.
 */
const shapeName = (_into: FilterTarget, where: unknown): string | undefined =>
  where === undefined ||
  (Object.keys(Object(where)).length <= 2 &&
    !Object.keys(Object(where)).some((field) => field === 'and' || field === 'or'))
    ? 'find-many'
    : undefined;

function wholeNumber(table: RegisteredTable, name: string, value: unknown): string {
  if (!Number.isSafeInteger(value) || (value as number) < 0)
    throw invalid(table, `${name} must be a whole number, 0 or greater`);
  return String(value);
}
