import pg from 'pg';
import type { Logger } from 'pino';
import { abortable } from '../background/deadline.ts';
import { ConfigurationError } from '../error/intendant-error.ts';
import { cancelled } from './cancellation.ts';
import { PoolClient } from './pg-internals.ts';

/** Options of the store's connection pool. */
export interface PoolOptions {
  /** Largest number of connections that this store opens with the application login. Default 10. */
  readonly max?: number;
  /** How long an operation waits for a free connection, in milliseconds. Default 10,000. */
  readonly acquireTimeoutMs?: number;
  /** How long one statement may run on the server, in milliseconds; 0 leaves it to the server. Works through PgBouncer too. Default 0. */
  readonly statementTimeoutMs?: number;
  /** How long an unused connection is kept, in milliseconds. Default 10,000. */
  readonly idleTimeoutMs?: number;
  /** False for a pooler in transaction mode that does not keep prepared statements (PgBouncer before 1.21). Default true. */
  readonly namedStatements?: boolean;
}

/** Numbers of the store's connections. */
export interface PoolStats {
  /** Open connections, idle ones included. */
  readonly total: number;
  /** Open connections that run nothing. */
  readonly idle: number;
  /** Operations that wait for a connection. */
  readonly waiting: number;
}

export function openPool(connection: pg.ClientConfig, options: PoolOptions, logger: Logger): pg.Pool {
  const pool = new pg.Pool({
    application_name: 'intendant',
    keepAlive: true,
    ...connection,
    max: options.max ?? 10,
    connectionTimeoutMillis: options.acquireTimeoutMs ?? 10_000,
    idleTimeoutMillis: options.idleTimeoutMs ?? 10_000,
    Client: PoolClient,
  });
  // A connection can break while it is idle or in use. Without a listener the process would exit.
  pool.on('error', (error) => logger.debug({ reason: error.message }, 'an idle connection was lost'));
  pool.on('connect', (client) =>
    client.on('error', (error) => logger.debug({ reason: error.message }, 'a connection was lost')),
  );
  return pool;
}

/** Thrown by every method of a closed store. */
export const storeClosed = (): ConfigurationError =>
  new ConfigurationError('the data store is closed; open a new one with createDataStore');

/**
 * Returns a free connection. Stops waiting when the signal aborts; a connection that becomes free afterwards is
 * released immediately. Rejects with the pool's error, or with OperationCancelledError.
 */
export async function acquire(pool: pg.Pool, signal: AbortSignal | undefined): Promise<pg.PoolClient> {
  if (pool.ending) throw storeClosed();
  if (!signal) return pool.connect();
  if (signal.aborted) throw cancelled(signal.reason);
  const connecting = pool.connect();
  try {
    return await abortable(connecting, signal);
  } catch (error) {
    connecting.then((client) => client.release()).catch(() => {}); // Too late to be used, or failed.
    throw signal.aborted ? cancelled(signal.reason) : error;
  }
}
