import { Bell } from './bell.ts';

export interface LookOptions {
  /** Default: no limit. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** A look without a push: one long transaction somewhere holds the whole feed back, and should not hold this back too. */
const LOOK_AGAIN_MIN_MS = 2000;
const LOOK_AGAIN_MAX_MS = 10_000;

/**
 * Looks at once, and again whenever `watch` says that something changed, until a look answers something. When the time
 * is up or the signal aborts it takes a last look, and then throws what `gaveUp` answers.
 */
export async function lookUntil<Found>(
  look: () => Promise<Found | undefined>,
  watch: (wake: () => void) => Promise<() => void>,
  options: LookOptions,
  gaveUp: (reason: unknown) => Error,
): Promise<Found> {
  const bell = new Bell();
  const signal = deadline(options);
  const ring = (): void => bell.ring();
  signal?.addEventListener('abort', ring);
  const unwatch = await watch(ring);
  try {
    for (let pauseMs = LOOK_AGAIN_MIN_MS; ; pauseMs = Math.min(LOOK_AGAIN_MAX_MS, 1.5 * pauseMs)) {
      const isLast = signal?.aborted ?? false;
      const found = await look();
      if (found !== undefined) return found;
      if (isLast) throw gaveUp(signal?.reason);
      await bell.wait(pauseMs);
    }
  } finally {
    signal?.removeEventListener('abort', ring);
    unwatch();
  }
}

function deadline({ timeoutMs, signal }: LookOptions): AbortSignal | undefined {
  if (timeoutMs === undefined) return signal;
  const limit = AbortSignal.timeout(timeoutMs);
  return signal ? AbortSignal.any([signal, limit]) : limit;
}
