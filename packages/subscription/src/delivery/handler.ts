import type { Transaction } from '@intendant/core';
import type { AnyFields, Change } from '../change.ts';

/** What a handler receives besides its change. */
export interface DeliveryContext {
  /** Aborts when this call has taken longer than `handlerTimeoutMs`, or the change is another process's by now. */
  readonly signal: AbortSignal;
  /** 1 the first time. */
  readonly attempt: number;
  /**
   * Marks what this call was given as done in a transaction of the handler's own (of the same database): what it wrote
   * there and the mark are committed together, so its effects happen exactly once. Durable subscriptions only.
   *
   * Throws TransactionConflictError when another process has the change by now: let the transaction roll back.
   */
  ack(tx: Transaction): Promise<void>;
}

/** Takes care of one change. It is done when this returns, or what it returns resolves. */
export type Handler<R = AnyFields, K = AnyFields> = (change: Change<R, K>, context: DeliveryContext) => unknown;

/** Takes care of several changes at once: all of them are done, or none. */
export type BatchHandler<R = AnyFields, K = AnyFields> = (
  changes: readonly Change<R, K>[],
  context: DeliveryContext,
) => unknown;
