/** The longest delay of `setTimeout`; a longer one would fire immediately. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/** A timer that was started. */
export interface Timer {
  /** Cancels the timer. Has no effect if it has fired or was cancelled before. */
  cancel(): void;
}

export interface TimerOptions {
  /** False lets the process exit while the timer waits. Default true. */
  readonly keepsProcess?: boolean;
}

/**
 * Calls a function once, after a duration of any length; Infinity means never. Uses the monotonic clock, so changes
 * of the system's clock have no effect.
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
