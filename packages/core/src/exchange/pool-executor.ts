import type pg from 'pg';
import type { Scope, ServiceScope } from '../context/scope.ts';
import { withCancellation } from './cancellation.ts';
import { isStalePlan, runExchange, wasNotSent } from './exchange.ts';
import type { Executor, RunOptions, TransactionExecutor } from './executor.ts';
import { inTransaction } from './in-transaction.ts';
import { acquire } from './pool.ts';
import type { Statement, StatementResult } from './statement.ts';
import { type ResultSet, resultsFor, type StatementSet, statementsOf } from './statement-set.ts';
import type { StoreExchange } from './store-exchange.ts';

/** Attempts of an exchange of which nothing was sent, each on another connection. */
const MAX_ATTEMPTS = 3;

/** Each call is one round trip and one transaction, on whichever connection is free. */
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
    const all = [this.#store.settings.statement(scope), ...statementsOf(statements)];
    const results = await this.#untilSent(() => this.#attempt(all, scope.role, options?.signal));
    results.shift();
    return resultsFor(statements, results);
  }

  transaction<Result>(run: (executor: TransactionExecutor) => Promise<Result>): Promise<Result> {
    return inTransaction(this.#store, { beginSql: 'begin isolation level read committed' }, run);
  }

  async #untilSent(run: () => Promise<StatementResult[]>): Promise<StatementResult[]> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await run();
      } catch (error) {
        if (attempt >= MAX_ATTEMPTS || !(wasNotSent(error) || isStalePlan(error))) throw error;
      }
    }
  }

  async #attempt(
    statements: readonly Statement[],
    planScope: string,
    signal: AbortSignal | undefined,
  ): Promise<StatementResult[]> {
    const client = await acquire(this.#store.pool, signal);
    let isSpent = false;
    try {
      return await this.#exchange(client, statements, planScope, signal, () => {
        isSpent = true;
      });
    } catch (error) {
      isSpent ||= wasNotSent(error); // Nothing can be sent on it.
      throw error;
    } finally {
      client.release(isSpent);
    }
  }

  #exchange(
    client: pg.PoolClient,
    statements: readonly Statement[],
    planScope: string,
    signal: AbortSignal | undefined,
    markSpent: () => void,
  ): Promise<StatementResult[]> {
    const { connection, usesNamedStatements } = this.#store;
    const exchange = () => runExchange(client, statements, { planScope, usesNamedStatements });
    return signal ? withCancellation(client, connection, signal, exchange, markSpent) : exchange();
  }
}
