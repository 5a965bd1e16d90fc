import { setTimeout as delay } from 'node:timers/promises';
import type pg from 'pg';
import { meetOfScopes } from '../context/scope.ts';
import type { DataStoreInternals, StoreExchange } from '../data-store-internals.ts';
import { InvalidRecordError, TransactionConflictError } from '../error/intendant-error.ts';
import { translateError } from '../error/sqlstate.ts';
import { cancelled } from '../exchange/cancellation.ts';
import { acquire } from '../exchange/pool.ts';
import { sessionParts } from './session-parts.ts';
import { Transaction, type TransactionOptions, type TransactionScopes } from './transaction.ts';
import { TransactionConnection } from './transaction-connection.ts';

const RETRY_BASE_MS = 5;
const RETRY_MAX_MS = 500;
const ISOLATION_LEVELS = new Set(['read committed', 'repeatable read', 'serializable']);

/** Runs the callback in a transaction of its own, again if that was asked for and another one got in the way. */
export async function runTransaction<T>(
  internals: DataStoreInternals,
  scopes: TransactionScopes,
  run: (tx: Transaction) => Promise<T>,
  options: TransactionOptions,
): Promise<T> {
  const signal = deadline(options);
  for (let attempt = 0; ; attempt++) {
    try {
      return await attemptTransaction(internals, scopes, run, options, signal);
    } catch (error) {
      const translated = translateError(error, { operation: 'transaction' });
      if (!(translated instanceof TransactionConflictError) || attempt >= (options.retries ?? 0)) throw translated;
      await pause(attempt, signal);
    }
  }
}

async function pause(attempt: number, signal: AbortSignal | undefined): Promise<void> {
  const durationMs = Math.min(RETRY_MAX_MS, RETRY_BASE_MS * 2 ** attempt) * (0.5 + Math.random());
  await delay(durationMs, undefined, signal ? { signal } : {}).catch(() => {
    throw cancelled(signal?.reason);
  });
}

function deadline({ timeoutMs, signal }: TransactionOptions): AbortSignal | undefined {
  if (timeoutMs === undefined) return signal;
  const limit = AbortSignal.timeout(timeoutMs);
  return signal ? AbortSignal.any([signal, limit]) : limit;
}

async function attemptTransaction<T>(
  internals: DataStoreInternals,
  scopes: TransactionScopes,
  run: (tx: Transaction) => Promise<T>,
  options: TransactionOptions,
  signal: AbortSignal | undefined,
): Promise<T> {
  const scope = options.tables && scopes.initial(options.tables);
  const rawScope = () => scope ?? scopes.initial(undefined);
  const beginSql = beginStatement(options);
  const client = await acquire(internals.pool, signal);
  const connection = new TransactionConnection({ ...exchangeOf(internals), client, scope, rawScope, beginSql, signal });
  const tx = new Transaction(
    sessionParts(internals, connection, {
      isTransaction: true,
      scopeFor: (tables) => (scope ? meetOfScopes(scope, scopes.forTable(tables)) : scopes.forTable(tables)),
      loginExecutor: { run: (statements) => connection.runAsLogin(statements) },
    }),
    connection,
  );
  let callbacks: readonly (() => unknown)[];
  let result: T;
  try {
    result = await run(tx);
    callbacks = await connection.commit();
  } catch (error) {
    await connection.rollback();
    throw error;
  } finally {
    await connection.release();
  }
  await runCallbacks(internals, callbacks);
  return result;
}

const exchangeOf = ({ connection, exchange }: DataStoreInternals): StoreExchange & { connection: pg.ClientConfig } => ({
  connection,
  ...exchange,
});

function beginStatement({ isolation = 'read committed', readOnly = false }: TransactionOptions): string {
  if (!ISOLATION_LEVELS.has(isolation)) {
    throw new InvalidRecordError(
      `transaction: ${JSON.stringify(isolation)} is no isolation level; there are ${[...ISOLATION_LEVELS].join(', ')}`,
    );
  }
  return `begin isolation level ${isolation}${readOnly ? ' read only' : ''}`;
}

async function runCallbacks({ logger }: DataStoreInternals, callbacks: readonly (() => unknown)[]): Promise<void> {
  for (const callback of callbacks) {
    try {
      await callback();
    } catch (error) {
      logger.error({ err: error }, 'a callback after commit failed; the transaction is committed');
    }
  }
}
