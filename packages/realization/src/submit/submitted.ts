import { OperationCancelledError } from '@intendant/core';
import {
  checkOptions,
  type Executor,
  type RegisteredTable,
  type Scope,
  translateError,
} from '@intendant/core/internal';
import { type WaitLimit, waitForValue } from '../background/wait-for-value.ts';
import type { Outcome } from '../operation/result.ts';
import { outcomesOf, readOutcomes } from './operation-statements.ts';

/**
 * @internal Where results are read.
 */
export interface SubmittedParts<Result> {
  readonly executor: Executor;
  readonly scope: Scope;
  readonly operations: RegisteredTable;
  /** Number of resources that it concerns. */
  readonly partCount: number;
  watch(id: string, wake: () => void): Promise<() => void>;
  /** Makes the result from the results of the parts, or throws their error. */
  read(outcomes: readonly Outcome[]): Result;
}

/** A queued operation. It will be executed even if this process ends. */
export class Submitted<Result> {
  /** The id of the operation. Its result is kept for a day, unless maintenance has another setting. */
  readonly id: string;
  readonly #parts: SubmittedParts<Result>;

  /** @internal */
  constructor(id: string, parts: SubmittedParts<Result>) {
    this.id = id;
    this.#parts = parts;
  }

  /**
   * Waits for the result, notified by the feed, and returns what the operation itself would return. An operation that
   * was submitted inside a transaction starts after the commit, so do not await its result in the transaction.
   *
   * Throws what the operation itself would throw, and OperationCancelledError when the time is over or the signal
   * aborts: then the operation is still queued.
   */
  async result(options: WaitLimit = {}): Promise<Result> {
    checkOptions<WaitLimit>('result', options, { timeoutMs: true, signal: true });
    const outcomes = await waitForValue(
      () => this.#readOutcomes(),
      (wake) => this.#parts.watch(this.id, wake),
      options,
      (cause) =>
        new OperationCancelledError(`waiting for submitted operation ${this.id} ended; it is still queued`, {
          details: { id: this.id },
          cause,
        }),
    );
    return this.#parts.read(outcomes);
  }

  async #readOutcomes(): Promise<readonly Outcome[] | undefined> {
    const { executor, scope, operations, partCount } = this.#parts;
    if (partCount === 0) return [];
    try {
      const { found } = await executor.run(scope, { found: readOutcomes(operations, this.id) });
      const outcomes = outcomesOf(found);
      const isFinished = outcomes.length > 0 && outcomes.every((outcome) => outcome !== null);
      return isFinished ? (outcomes as Outcome[]) : undefined;
    } catch (error) {
      throw translateError(error, { operation: 'result', table: operations.name });
    }
  }
}
