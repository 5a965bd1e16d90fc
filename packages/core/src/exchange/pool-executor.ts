import pg from 'pg';
import { backoffMs } from '../background/backoff.ts';
import { pause } from '../background/pause.ts';
import type { Scope, ServiceScope } from '../context/scope.ts';
import { traceStatements } from '../telemetry/trace-context.ts';
import { withCancellation } from './cancellation.ts';
import { isStalePlan, runExchange, wasNotSent } from './exchange.ts';
import type { Executor, RunOptions, TransactionExecutor } from './executor.ts';
import { inTransaction } from './in-transaction.ts';
import { acquire } from './pool.ts';
import type { Statement, StatementResult } from './statement.ts';
import { type ResultSet, resultsFor, type StatementSet, statementsOf } from './statement-set.ts';
import type { StoreExchange } from './store-exchange.ts';

/** Attempts for an exchange that could not be sent, each on another connection. */
const MAX_ATTEMPTS = 3;
/** Attempts for an exchange that failed with a deadlock or a serialization failure. */
const MAX_CONFLICTS = 20;
const CONFLICT_BACKOFF = { minMs: 2, maxMs: 200 };
const CONFLICT_CODES = new Set(['40001', '40P01']);

const isConflictError = (error: unknown): boolean =>
  error instanceof pg.DatabaseError && CONFLICT_CODES.has(error.code ?? '');

/** Ends the transaction of an exchange that failed before its `commit`. Resolves to false if the connection is of no more use. */
const rollBack = (client: pg.PoolClient): Promise<boolean> =>
  runExchange(client, [{ text: 'rollback' }]).then(
    () => true,
    () => false,
  );

/** Each call is one round trip and one transaction, on any free connection. */
export class PoolExecutor implements Executor {
  readonly isTransaction = false;
  readonly #store: StoreExchange;

  constructor(store: StoreExchange) {
    this.#store = store;
  }

  async run<Statements extends StatementSet>(
    scope: Scope | ServiceScope,
    statements: Statements,
    options?: RunOptions,
  ): Promise<ResultSet<Statements>> {
    const { opening, closing, statements: settings } = this.#store.settings;
    const before = [...opening, ...settings(scope), ...traceStatements()];
    const all = [...before, ...statementsOf(statements), ...closing];
    const results = await this.#untilDone(options?.signal, () => this.#attempt(all, scope.role, options?.signal));
    return resultsFor(statements, results.slice(before.length, results.length - closing.length));
  }

  transaction<Result>(run: (executor: TransactionExecutor) => Promise<Result>): Promise<Result> {
    return inTransaction(this.#store, { beginSql: 'begin isolation level read committed' }, run);
  }

  atomically<Result>(run: (executor: TransactionExecutor) => Promise<Result>): Promise<Result> {
    return this.transaction(run);
  }

  /**
   * One exchange is one transaction, so a failed one has changed nothing. It is sent again after a serialization
   * failure, a deadlock or the loss of a prepared statement.
   */
  async #untilDone(signal: AbortSignal | undefined, run: () => Promise<StatementResult[]>): Promise<StatementResult[]> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await run();
      } catch (error) {
        const isConflict = isConflictError(error);
        if (attempt >= (isConflict ? MAX_CONFLICTS : MAX_ATTEMPTS)) throw error;
        if (isConflict) await pause(backoffMs(CONFLICT_BACKOFF, attempt), signal);
        else if (!wasNotSent(error) && !isStalePlan(error)) throw error;
      }
    }
  }

  async #attempt(
    statements: readonly Statement[],
    planScope: string,
    signal: AbortSignal | undefined,
  ): Promise<StatementResult[]> {
    const client = await acquire(this.#store.pool, signal);
    let isUnusable = false;
    try {
      return await this.#exchange(client, statements, planScope, signal, () => {
        isUnusable = true;
      });
    } catch (error) {
      isUnusable ||= wasNotSent(error); // Nothing can be sent on it.
      isUnusable ||= this.#store.settings.closing.length > 0 && !(await rollBack(client));
      throw error;
    } finally {
      client.release(isUnusable);
    }
  }

  #exchange(
    client: pg.PoolClient,
    statements: readonly Statement[],
    planScope: string,
    signal: AbortSignal | undefined,
    markUnusable: () => void,
  ): Promise<StatementResult[]> {
    const { connection, usesNamedStatements } = this.#store;
    const exchange = () => runExchange(client, statements, { planScope, usesNamedStatements });
    return signal ? withCancellation(client, connection, signal, exchange, markUnusable) : exchange();
  }
}
