/** The longest time that `setTimeout` knows; a longer one fires at once. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/** A timer that was started. */
export interface Timer {
  /** Does nothing if it has fired or was cancelled before. */
  cancel(): void;
}

export interface TimerOptions {
  /** False lets the process exit while the timer waits. Default true. */
  readonly keepsProcess?: boolean;
}

/**
 * Runs something once, after a time of any length; Infinity is never. The time is the monotonic clock's: changes of the
 * system's clock make it neither longer nor shorter.
 */
export function startTimer(durationMs: number, run: () => void, options: TimerOptions = {}): Timer {
  const endsAt = performance.now() + durationMs;
  let timeout: NodeJS.Timeout | undefined;
  const wait = (): void => {
    const leftMs = endsAt - performance.now();
    timeout = setTimeout(leftMs > MAX_TIMEOUT_MS ? wait : run, Math.min(Math.max(leftMs, 0), MAX_TIMEOUT_MS));
    if (options.keepsProcess === false) timeout.unref();
  };
  if (durationMs !== Number.POSITIVE_INFINITY) wait();
  return { cancel: () => clearTimeout(timeout) };
}
