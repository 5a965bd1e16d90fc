import type { Logger } from 'pino';
import { acquire } from './pool.ts';
import type { StoreExchange } from './store-exchange.ts';
import { TransactionConnection, type TransactionSettings } from './transaction-connection.ts';

/**
 * Runs the callback in a transaction on a connection of the pool. Commits when it resolves, and then runs what was to run
 * after the commit; rolls back when it throws. The connection goes back to the pool clean, or is closed.
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
    result = await run(transaction);
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

async function runCallbacks(logger: Logger, callbacks: readonly (() => unknown)[]): Promise<void> {
  for (const callback of callbacks) {
    try {
      await callback();
    } catch (error) {
      logger.error({ err: error }, 'a callback after commit failed; the transaction is committed');
    }
  }
}
