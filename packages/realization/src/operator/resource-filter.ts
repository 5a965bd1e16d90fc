import { type AnyTable, type Filter, InvalidRecordError, type OrderBy } from '@intendant/core';
import { checkOptions } from '@intendant/core/internal';
import { checkEnforcementPoint } from '../placement/enforcement-point.ts';
import { STATUS_WEIGHTS, STATUSES, type Status } from '../status/status.ts';

/** Selects resources by their status. All given conditions must hold; `{}` means every resource. */
export interface ResourceFilter<T extends AnyTable> {
  /** One status or several: of `enforcementPoint` if that is given, otherwise the overall status. Default: any. */
  readonly status?: Status | readonly Status[];
  /** Only resources that have a status at this point. */
  readonly enforcementPoint?: string;
  /** Only resources whose status row has not changed for this many milliseconds. Default 0. */
  readonly olderThanMs?: number;
  /** Only resources whose record matches, as in `findMany`. Resources without a row never match `where`. */
  readonly where?: Filter<T>;
}

/** The order: by the record's columns as in `findMany`, or by `since`: `oldest` first or `newest` first. */
export type ResourceOrder<T extends AnyTable> = OrderBy<T> | 'oldest' | 'newest';

/** Options of `list`. */
export interface ListOptions<T extends AnyTable> extends ResourceFilter<T> {
  /** Default: by key. Ties are broken by key. Resources without a row are left out if it names columns. */
  readonly orderBy?: ResourceOrder<T>;
  /**
   * The last item of the previous page. If the order is by key, its record or key is enough; if it is by columns, its
   * record. Default: from the start.
   */
  readonly after?: unknown;
  /** Largest number of resources to return, from 1 to 1,000. Default 100. */
  readonly limit?: number;
}

/** A filter after its checks. */
export interface CheckedFilter {
  /** Undefined: any. */
  readonly weights: readonly number[] | undefined;
  readonly enforcementPoint: string | undefined;
  readonly olderThanMs: number;
  readonly where: unknown;
}

const FILTER_OPTIONS = { status: true, enforcementPoint: true, olderThanMs: true, where: true } as const;
const LIST_OPTIONS = { ...FILTER_OPTIONS, orderBy: true, after: true, limit: true } as const;

/** Throws ConfigurationError for an option that is unknown, InvalidRecordError for one that does not fit. */
export function checkFilter<T extends AnyTable>(operation: string, filter: ResourceFilter<T>): CheckedFilter {
  checkOptions<ResourceFilter<T>>(operation, filter, FILTER_OPTIONS);
  return readFilter(operation, filter);
}

export function checkListFilter<T extends AnyTable>(options: ListOptions<T>): CheckedFilter {
  checkOptions<ListOptions<T>>('list', options, LIST_OPTIONS);
  return readFilter('list', options);
}

function readFilter<T extends AnyTable>(operation: string, filter: ResourceFilter<T>): CheckedFilter {
  const { status, enforcementPoint, olderThanMs = 0, where } = filter;
  if (typeof olderThanMs !== 'number' || !(olderThanMs >= 0))
    throw new InvalidRecordError(`${operation}: olderThanMs must be a number of milliseconds, zero or more`);
  return {
    weights: status === undefined ? undefined : weightsOf(operation, status),
    enforcementPoint: enforcementPoint === undefined ? undefined : checkEnforcementPoint(enforcementPoint),
    olderThanMs,
    where,
  };
}

/** The weights of the statuses, heaviest first. Throws InvalidRecordError for a value that is not a status. */
export function weightsOf(operation: string, status: Status | readonly Status[]): number[] {
  const statuses: readonly Status[] = Array.isArray(status) ? status : [status as Status];
  const unknown = statuses.find((one) => !STATUSES.includes(one));
  if (unknown === undefined) return [...new Set(statuses.map((one) => STATUS_WEIGHTS[one]))].sort((a, b) => b - a);
  throw new InvalidRecordError(
    `${operation}: ${JSON.stringify(unknown)} is not a status; expected one of ${STATUSES.join(', ')}`,
  );
}

const DEFAULT_LIMIT = 100;
const MAX_LIMIT = 1000;

export function checkLimit(operation: string, limit: number = DEFAULT_LIMIT): number {
  if (Number.isInteger(limit) && limit >= 1 && limit <= MAX_LIMIT) return limit;
  throw new InvalidRecordError(`${operation}: limit must be a whole number from 1 to ${MAX_LIMIT}`);
}
