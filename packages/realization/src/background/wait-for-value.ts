import { Bell, checkDuration, type Deadline, startDeadline } from '@intendant/core/internal';

/** How long to wait. */
export interface WaitLimit {
  /** In milliseconds, of any length. Default: no limit. */
  readonly timeoutMs?: number;
  /** Aborts the wait. Default: none. */
  readonly signal?: AbortSignal;
}

/**
 * Interval between reads without a notification, in milliseconds: one long transaction can delay the whole feed, and
 * should not delay this too.
 */
const POLL_MIN_MS = 2000;
const POLL_MAX_MS = 10_000;

/**
 * Calls `read` immediately, and again each time that `watch` reports a change, until it returns a value. When the time
 * is over or the signal aborts, it reads a last time, and then throws the result of `cancelledError`.
 */
export async function waitForValue<Found>(
  read: () => Promise<Found | undefined>,
  watch: (wake: () => void) => Promise<() => void>,
  options: WaitLimit,
  cancelledError: (reason: unknown) => Error,
): Promise<Found> {
  const bell = new Bell();
  const deadline = startLimit(options);
  const { signal } = deadline;
  const ring = (): void => bell.ring();
  signal?.addEventListener('abort', ring);
  const unwatch = await watch(ring);
  try {
    for (let pauseMs = POLL_MIN_MS; ; pauseMs = Math.min(POLL_MAX_MS, 1.5 * pauseMs)) {
      const isLast = signal?.aborted ?? false;
      const found = await read();
      if (found !== undefined) return found;
      if (isLast) throw cancelledError(signal?.reason);
      await bell.wait(pauseMs);
    }
  } finally {
    signal?.removeEventListener('abort', ring);
    unwatch();
    deadline.end();
  }
}

function startLimit({ timeoutMs, signal }: WaitLimit): Deadline {
  if (timeoutMs !== undefined) checkDuration('timeoutMs', timeoutMs, { allowInfinity: true });
  return startDeadline({ timeoutMs, signal });
}
