import type { RunOptions } from '../exchange/executor.ts';
import type { OptionNames } from '../option/check-options.ts';
import type { Filter } from '../statement/filter.ts';
import type { FindManyOptions } from '../statement/find-many.ts';
import type { AnyTable } from '../table/record-types.ts';

/** How `find` looks for a record. */
export interface FindOptions {
  /** Whether to find a soft-deleted record too. Default false. */
  readonly includeDeleted?: boolean;
  /** Cancels the statement on the server. */
  readonly signal?: AbortSignal;
}

/** How a record is removed. */
export interface DeleteOptions extends RunOptions {
  /** Throws RevisionConflictError unless the record has this revision. Default: any revision. */
  readonly revision?: number;
}

/** How a statement that changes records runs. */
export interface WriteOptions extends RunOptions {
  /**
   * Allows a change of a table that is registered with realization. Realization does not notice the change: it sets no
   * status and makes no job. For migrations and repairs; call `resync` of realization afterwards if workers must act.
   * Default false: such a change throws OperationNotAllowedError.
   */
  readonly bypassRealization?: boolean;
}

/** How a session removes one record. */
export interface RemoveOptions extends DeleteOptions, WriteOptions {}

/** Which records `deleteMany` removes. */
export interface DeleteManyOptions<T extends AnyTable> extends WriteOptions {
  /** The records to remove; `{}` means all. */
  readonly where: Filter<T>;
}

export const RUN_OPTIONS: OptionNames<RunOptions> = { signal: true };
export const WRITE_OPTIONS: OptionNames<WriteOptions> = { ...RUN_OPTIONS, bypassRealization: true };
export const FIND_OPTIONS: OptionNames<FindOptions> = { includeDeleted: true, signal: true };
export const DELETE_OPTIONS: OptionNames<RemoveOptions> = { revision: true, ...WRITE_OPTIONS };
export const DELETE_MANY_OPTIONS: OptionNames<DeleteManyOptions<AnyTable>> = { where: true, ...WRITE_OPTIONS };
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
