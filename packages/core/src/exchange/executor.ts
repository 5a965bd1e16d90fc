import type { Scope } from '../context/scope.ts';
import type { Statement, StatementResult } from './statement.ts';

export interface RunOptions {
  /** Cancels the statement on the server. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Runs statements under a scope, all behind one Sync: one round trip, one transaction (the executor's own, or the
 * surrounding one). The first that fails fails them all. Rejects with what the driver threw (see `translateError`),
 * or with an IntendantError of its own.
 */
export interface Executor {
  run(scope: Scope, statements: readonly Statement[], options?: RunOptions): Promise<StatementResult[]>;
}
