import pg from 'pg';
import type { Logger } from 'pino';
import type { Scope } from '../context/scope.ts';
import { cancelled, withCancellation } from './cancellation.ts';
import { isStalePlan, runExchange, wasNotSent } from './exchange.ts';
import type { Executor, RunOptions } from './executor.ts';
import type { ScopeSettings } from './scope-settings.ts';
import type { Statement, StatementResult } from './statement.ts';

export interface PoolOptions {
  /** Most connections of the application login that this store opens. Default 10. */
  readonly max?: number;
  /** How long an operation waits for a free connection, in milliseconds. Default 10,000. */
  readonly acquireTimeoutMs?: number;
  /** How long one statement may run on the server, in milliseconds; 0 leaves it to the server. Default 0. */
  readonly statementTimeoutMs?: number;
  /** How long an unused connection is kept, in milliseconds. Default 10,000. */
  readonly idleTimeoutMs?: number;
  /** False for a pooler in transaction mode that does not keep prepared statements (PgBouncer before 1.21). Default true. */
  readonly namedStatements?: boolean;
}

/** What the store's connections are doing. */
export interface PoolStats {
  readonly total: number;
  readonly idle: number;
  /** Operations that wait for a connection. */
  readonly waiting: number;
}

/** Attempts of an exchange of which nothing was sent, each on another connection. */
const MAX_ATTEMPTS = 3;

export function openPool(connection: pg.ClientConfig, options: PoolOptions, logger: Logger): pg.Pool {
  const pool = new pg.Pool({
    application_name: 'intendant',
    keepAlive: true,
    ...connection,
    max: options.max ?? 10,
    connectionTimeoutMillis: options.acquireTimeoutMs ?? 10_000,
    idleTimeoutMillis: options.idleTimeoutMs ?? 10_000,
    ...(options.statementTimeoutMs && { statement_timeout: options.statementTimeoutMs }),
  });
  // A connection that breaks while idle, or under an exchange that hears of it anyway: without a listener Node exits.
  pool.on('error', (error) => logger.debug({ reason: error.message }, 'an idle connection was lost'));
  pool.on('connect', (client) =>
    client.on('error', (error) => logger.debug({ reason: error.message }, 'a connection was lost')),
  );
  return pool;
}

/**
 * A free connection. Stops waiting for one when the signal fires; the one that then comes free goes straight back.
 * Rejects with what the pool threw, or with OperationCancelledError.
 */
export async function acquire(pool: pg.Pool, signal: AbortSignal | undefined): Promise<pg.PoolClient> {
  if (!signal) return pool.connect();
  if (signal.aborted) throw cancelled(signal.reason);
  const connecting = pool.connect();
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(cancelled(signal.reason));
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([connecting, aborted]);
  } catch (error) {
    connecting.then((client) => client.release()).catch(() => {}); // It came too late, or failed as we know.
    throw error;
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/** Each call is one round trip and one transaction, on whichever connection is free. */
export class PoolExecutor implements Executor {
  readonly #pool: pg.Pool;
  readonly #connection: pg.ClientConfig;
  readonly #settings: ScopeSettings;
  readonly #usesNamedStatements: boolean;

  constructor(pool: pg.Pool, connection: pg.ClientConfig, settings: ScopeSettings, usesNamedStatements: boolean) {
    this.#pool = pool;
    this.#connection = connection;
    this.#settings = settings;
    this.#usesNamedStatements = usesNamedStatements;
  }

  async run(scope: Scope, statements: readonly Statement[], options?: RunOptions): Promise<StatementResult[]> {
    const signal = options?.signal;
    const all = [this.#settings.statement(scope), ...statements];
    for (let attempt = 1; ; attempt++) {
      try {
        const results = await this.#attempt(all, scope.role, signal);
        results.shift();
        return results;
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
    const client = await acquire(this.#pool, signal);
    let isSpent = false;
    const exchange = () =>
      runExchange(client, statements, { planScope, usesNamedStatements: this.#usesNamedStatements });
    try {
      if (!signal) return await exchange();
      return await withCancellation(client, this.#connection, signal, exchange, () => {
        isSpent = true;
      });
    } catch (error) {
      isSpent ||= wasNotSent(error); // Nothing can be sent on it.
      throw error;
    } finally {
      client.release(isSpent);
    }
  }
}
