import type { Logger } from 'pino';
import { abortable } from '../background/deadline.ts';
import { IntendantError } from '../error/intendant-error.ts';
import { cancelled } from './cancellation.ts';
import { acquire } from './pool.ts';
import type { StoreExchange } from './store-exchange.ts';
import { TransactionConnection, type TransactionSettings } from './transaction-connection.ts';

/**
 * Runs the callback in a transaction on a connection of the pool. When the callback resolves, it commits and then runs
 * the functions that were registered for after the commit. When the callback throws, it rolls back. The connection is
 * returned to the pool without settings, or closed.
 *
 * Rejects with what the callback, the driver or the pool threw.
 */
export async function inTransaction<Result>(
  store: StoreExchange,
  settings: TransactionSettings,
  run: (transaction: TransactionConnection) => Promise<Result>,
): Promise<Result> {
  const client = await acquire(store.pool, settings.signal);
  const transaction = new TransactionConnection(store, client, settings);
  let callbacks: readonly (() => unknown)[];
  let result: Result;
  try {
    result = await withinLimit(run(transaction), transaction, settings.signal);
    callbacks = await transaction.commit();
  } catch (error) {
    await transaction.rollback();
    throw error;
  } finally {
    await transaction.release();
  }
  await runCallbacks(store.logger, callbacks);
  return result;
}

/** Waits for the callback until the signal aborts. Afterwards its result or error is ignored. */
async function withinLimit<Result>(
  running: Promise<Result>,
  transaction: TransactionConnection,
  signal: AbortSignal | undefined,
): Promise<Result> {
  try {
    return await abortable(running, signal);
  } catch (error) {
    if (!signal?.aborted) throw error;
    transaction.abandon();
    throw error instanceof IntendantError ? error : cancelled(signal.reason);
  }
}

async function runCallbacks(logger: Logger, callbacks: readonly (() => unknown)[]): Promise<void> {
  for (const callback of callbacks) {
    try {
      await callback();
    } catch (error) {
      logger.error({ err: error }, 'a callback after commit failed; the transaction is committed');
    }
  }
}
