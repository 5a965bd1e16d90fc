/** When a worker stops trying, since its point seems to be down. */
export interface CircuitBreakerOptions {
  /** Attempts that fail in a row, of whichever resources, until the circuit opens. `TerminalError`s don't count. */
  readonly failures: number;
  /** How long no attempt begins then; after it one at a time does, until one succeeds. Default 30,000. */
  readonly pauseMs?: number;
}

/** What the circuit has become, when it changed. */
export type CircuitChange = 'opened' | 'closed' | undefined;

/**
 * Closed: attempts begin. Open: none begins; waiting jobs keep their order and their attempts, instead of using them
 * up on a point that is down. After the pause, one attempt at a time probes the point: a success closes the circuit,
 * a failure opens it for another pause.
 */
export class CircuitBreaker {
  readonly #failures: number;
  readonly #pauseMs: number;
  #inARow = 0;
  #openUntil: number | undefined;
  #probes = 0;

  constructor({ failures, pauseMs = 30_000 }: CircuitBreakerOptions) {
    this.#failures = failures;
    this.#pauseMs = pauseMs;
  }

  /** How many attempts may begin now. */
  room(now = performance.now()): number {
    if (this.#openUntil === undefined) return Number.POSITIVE_INFINITY;
    return now < this.#openUntil ? 0 : Math.max(0, 1 - this.#probes);
  }

  /** How long until one may begin; infinite when that is up to the probe under way. */
  waitMs(now = performance.now()): number {
    if (this.#openUntil === undefined) return 0;
    return this.#probes > 0 ? Number.POSITIVE_INFINITY : Math.max(0, this.#openUntil - now);
  }

  take(attempts: number): void {
    if (this.#openUntil !== undefined) this.#probes += attempts;
  }

  /** Nothing was learned about the point: there was nothing to do, or it was given up for another reason. */
  ended(): void {
    this.#probes = Math.max(0, this.#probes - 1);
  }

  succeeded(): CircuitChange {
    this.ended();
    this.#inARow = 0;
    if (this.#openUntil === undefined) return undefined;
    this.#openUntil = undefined;
    this.#probes = 0;
    return 'closed';
  }

  failed(now = performance.now()): CircuitChange {
    this.ended();
    this.#inARow++;
    if (this.#inARow < this.#failures) return undefined;
    const wasOpen = this.#openUntil !== undefined;
    this.#openUntil = now + this.#pauseMs;
    return wasOpen ? undefined : 'opened';
  }
}
