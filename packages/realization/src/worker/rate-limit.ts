/** How many attempts a worker may begin in a time. */
export interface RateLimitOptions {
  /** Attempts that may begin in each interval; after a rest, that many at once. */
  readonly attempts: number;
  /** Default 1,000. */
  readonly intervalMs?: number;
}

/** A bucket that holds one interval's attempts and fills evenly. */
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

  /** How many attempts may begin now. */
  room(now = performance.now()): number {
    this.#left = Math.min(this.#attempts, this.#left + (now - this.#filledAt) / this.#msPerAttempt);
    this.#filledAt = now;
    return Math.floor(this.#left);
  }

  /** How long until one may begin. */
  waitMs(now = performance.now()): number {
    return this.room(now) > 0 ? 0 : (1 - this.#left) * this.#msPerAttempt;
  }

  take(attempts: number): void {
    this.#left -= attempts;
  }
}
