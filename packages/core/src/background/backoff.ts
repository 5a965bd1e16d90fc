export interface BackoffOptions {
  /** The wait after the first failure, before jitter, in milliseconds. It doubles with each further failure. */
  readonly minMs: number;
  /** The longest wait, in milliseconds. */
  readonly maxMs: number;
}

/**
 * Returns how long to wait after this many failures in a row (1 for the first): `minMs` doubled with each failure, at
 * most `maxMs`. A random part, up to half, is left out, so that tasks that failed together are not retried together.
 */
export function backoffMs({ minMs, maxMs }: BackoffOptions, failures: number, random: number = Math.random()): number {
  const fullMs = Math.min(maxMs, minMs * 2 ** Math.max(0, failures - 1));
  return (fullMs / 2) * (1 + random);
}

/** The waits of one loop: each `next` counts a failure. */
export class Backoff {
  readonly #options: BackoffOptions;
  #failures = 0;

  constructor(options: BackoffOptions) {
    this.#options = options;
  }

  /** Failures since the last `reset`. */
  get failures(): number {
    return this.#failures;
  }

  /** Counts one more failure and returns how long to wait, in milliseconds. */
  next(): number {
    return backoffMs(this.#options, ++this.#failures);
  }

  /** Resets the count after a success. */
  reset(): void {
    this.#failures = 0;
  }
}
