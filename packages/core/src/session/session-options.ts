import type { RunOptions } from '../exchange/executor.ts';
import type { OptionNames } from '../option/check-options.ts';
import type { FindManyOptions } from '../statement/find-many.ts';
import type { AnyTable } from '../table/record-types.ts';

/** How one record is found. */
export interface FindOptions {
  /** A soft-deleted record too. Default false. */
  readonly includeDeleted?: boolean;
  /** Cancels the statement on the server. */
  readonly signal?: AbortSignal;
}

/** How one record is removed. */
export interface DeleteOptions {
  /** Refuse with RevisionConflictError unless the record is at this revision. Default: whatever it is at. */
  readonly revision?: number;
  /** Cancels the statement on the server. */
  readonly signal?: AbortSignal;
}

export const RUN_OPTIONS: OptionNames<RunOptions> = { signal: true };
export const FIND_OPTIONS: OptionNames<FindOptions> = { includeDeleted: true, signal: true };
export const DELETE_OPTIONS: OptionNames<DeleteOptions> = { revision: true, signal: true };
export const COUNT_OPTIONS = { where: true, includeDeleted: true, signal: true } as const;
export const FIND_MANY_OPTIONS: OptionNames<FindManyOptions<AnyTable>> = {
  where: true,
  orderBy: true,
  limit: true,
  offset: true,
  after: true,
  includeDeleted: true,
  signal: true,
};
