import type { Scope, ServiceScope } from '../context/scope.ts';
import type { ResultSet, StatementSet } from './statement-set.ts';

export interface RunOptions {
  /** Cancels the statement on the server. */
  readonly signal?: AbortSignal | undefined;
}

/** Runs statements under a scope. Rejects with the driver's error (see `translateError`) or with an IntendantError. */
export interface Executor {
  /** Whether its statements are part of a larger transaction. */
  readonly isTransaction: boolean;
  /**
   * Runs the statements under a scope with one Sync: one round trip and one transaction (the executor's own, or the
   * surrounding one). If one fails, all fail. Returns their results under the same names:
   *
   * `const { lock, record } = await executor.run(scope, { lock: lockRow(…), record: upsert(…) })`
   */
  run<Statements extends StatementSet>(
    scope: Scope | ServiceScope,
    statements: Statements,
    options?: RunOptions,
  ): Promise<ResultSet<Statements>>;
  /**
   * Runs the callback with an executor whose statements form one transaction: the current one if there is one,
   * otherwise a new one (READ COMMITTED). A new one commits when the callback resolves, and rolls back when it throws.
   */
  transaction<Result>(run: (executor: TransactionExecutor) => Promise<Result>): Promise<Result>;
  /** As `transaction`; inside a transaction, with a savepoint: if the callback throws, only its own changes are rolled back. */
  atomically<Result>(run: (executor: TransactionExecutor) => Promise<Result>): Promise<Result>;
}

/** An executor inside one transaction. */
export interface TransactionExecutor extends Executor {
  readonly isTransaction: true;
}
