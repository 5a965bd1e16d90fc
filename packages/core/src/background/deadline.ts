import { once } from 'node:events';
import { startTimer } from './timer.ts';

export interface DeadlineOptions {
  /** A duration of any length, in milliseconds. Infinity and undefined mean no limit. */
  readonly timeoutMs?: number | undefined;
  /** Aborts the work before the time is over. */
  readonly signal?: AbortSignal | undefined;
}

/** A running time limit. Call `end` when the work is over; otherwise its timer is kept until the time is over. */
export interface Deadline {
  /** Aborts with a `TimeoutError`, or with the given signal's reason. Undefined if nothing can abort it. */
  readonly signal: AbortSignal | undefined;
  end(): void;
}

/** Starts a time limit, combined with the caller's own signal if there is one. It does not keep the process running. */
export function startDeadline({ timeoutMs = Number.POSITIVE_INFINITY, signal }: DeadlineOptions): Deadline {
  if (timeoutMs === Number.POSITIVE_INFINITY) return { signal, end: () => {} };
  const limit = new AbortController();
  const timer = startTimer(timeoutMs, () => limit.abort(timedOut()), { keepsProcess: false });
  return {
    signal: signal ? AbortSignal.any([signal, limit.signal]) : limit.signal,
    end: () => timer.cancel(),
  };
}

const timedOut = (): DOMException => new DOMException('The operation was aborted due to timeout', 'TimeoutError');

/**
 * Settles as the promise does, or rejects with the signal's reason as soon as the signal aborts. A later result or
 * rejection of the promise is ignored.
 */
export async function abortable<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise;
  const settled = new AbortController();
  try {
    return await Promise.race([promise, aborted(signal, settled.signal)]);
  } finally {
    promise.catch(() => {});
    settled.abort();
  }
}

async function aborted(signal: AbortSignal, settled: AbortSignal): Promise<never> {
  if (!signal.aborted) await once(signal, 'abort', { signal: settled });
  throw signal.reason;
}
