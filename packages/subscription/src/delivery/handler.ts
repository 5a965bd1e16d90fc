import type { Transaction } from '@intendant/core';
import type { AnyFields, Change } from '../change.ts';

/** What a handler receives besides its change. */
export interface DeliveryContext {
  /** Aborts when this call has taken longer than `handlerTimeoutMs`, or another process owns the change by now. */
  readonly signal: AbortSignal;
  /** Number of this attempt, from 1. */
  readonly attempt: number;
  /**
   * Marks the changes of this call as completed in a transaction of the handler's own (of the same database): what it wrote
   * there and the mark are committed together, so its effects happen exactly once. Durable subscriptions only.
   *
   * Throws TransactionConflictError when another process has the change by now: let the transaction roll back.
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
