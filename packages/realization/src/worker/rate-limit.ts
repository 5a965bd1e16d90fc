/** The largest number of attempts that a worker may begin in an interval. */
export interface RateLimitOptions {
  /** Number of attempts that may begin in each interval; after a pause, this many at once. */
  readonly attempts: number;
  /** The interval in milliseconds. Default 1,000. */
  readonly intervalMs?: number;
}

/** A token bucket that holds the attempts of one interval and is refilled evenly. */
export class RateLimit {
  readonly #attempts: number;
  readonly #msPerAttempt: number;
  #left: number;
  #filledAt: number;

  constructor({ attempts, intervalMs = 1000 }: RateLimitOptions, now = performance.now()) {
    this.#attempts = attempts;
    this.#msPerAttempt = intervalMs / attempts;
    this.#left = attempts;
    this.#filledAt = now;
  }

  /** Number of attempts that may begin now. */
  room(now = performance.now()): number {
    this.#left = Math.min(this.#attempts, this.#left + (now - this.#filledAt) / this.#msPerAttempt);
    this.#filledAt = now;
    return Math.floor(this.#left);
  }

  /** Time until an attempt may begin, in milliseconds. */
  waitMs(now = performance.now()): number {
    return this.room(now) > 0 ? 0 : (1 - this.#left) * this.#msPerAttempt;
  }

  take(attempts: number): void {
    this.#left -= attempts;
  }
}
