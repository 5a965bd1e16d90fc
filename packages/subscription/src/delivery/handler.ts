import { ConfigurationError, type Transaction } from '@intendant/core';
import type { AnyFields, Change } from '../change.ts';

/** What a handler receives in addition to its change. */
export interface DeliveryContext {
  /** Aborts when this call has taken longer than `handlerTimeoutMs`, or when another process owns the change. */
  readonly signal: AbortSignal;
  /** Number of this attempt, starting at 1. */
  readonly attempt: number;
  /**
   * Marks the changes of this call as completed, in a transaction of the handler on the same database. The handler's
   * writes and the mark are committed together, so their effects happen exactly once. Durable subscriptions only.
   *
   * Throws TransactionConflictError if another process owns the change by now: let the transaction roll back.
   */
  ack(tx: Transaction): Promise<void>;
}

/** Handles one change. The change is completed when the function returns, or when the promise that it returns resolves. */
export type Handler<R = AnyFields, K = AnyFields> = (change: Change<R, K>, context: DeliveryContext) => unknown;

/** Handles several changes at once: all of them are completed, or none. */
export type BatchHandler<R = AnyFields, K = AnyFields> = (
  changes: readonly Change<R, K>[],
  context: DeliveryContext,
) => unknown;

/** Throws ConfigurationError for a value that is not a function. */
export function checkHandler(handler: unknown): void {
  if (typeof handler !== 'function') throw new ConfigurationError('subscribe: handler must be a function');
}
