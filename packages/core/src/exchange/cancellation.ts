import type pg from 'pg';
import { startTimer, type Timer } from '../background/timer.ts';
import { OperationCancelledError } from '../error/intendant-error.ts';
import { destroySocket, requestCancel } from './pg-internals.ts';

/** Time from a cancel request until the socket is closed, in milliseconds. */
const CANCEL_GRACE_MS = 5_000;

export const cancelled = (reason: unknown): OperationCancelledError =>
  new OperationCancelledError(
    reason instanceof DOMException && reason.name === 'TimeoutError'
      ? 'the time limit ran out'
      : 'cancelled by the caller',
    { cause: reason },
  );

/**
 * Runs work on a client, and asks the server to cancel it when the signal aborts. A cancel request can arrive after the
 * work is done and then cancel the next statement. So a client with a cancel request is `isUnusable`: do not use it again.
 */
export async function withCancellation<T>(
  client: pg.ClientBase,
  connection: pg.ClientConfig,
  signal: AbortSignal | undefined,
  work: () => Promise<T>,
  markUnusable: () => void,
): Promise<T> {
  if (!signal) return work();
  if (signal.aborted) throw cancelled(signal.reason);
  let cut: Timer | undefined;
  const onAbort = () => {
    markUnusable();
    requestCancel(client, connection);
    cut = startTimer(CANCEL_GRACE_MS, () => destroySocket(client));
  };
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await work();
  } catch (error) {
    throw signal.aborted ? cancelled(signal.reason) : error;
  } finally {
    signal.removeEventListener('abort', onAbort);
    cut?.cancel();
  }
}
