/** When a worker pauses because its point seems to be down. */
export interface CircuitBreakerOptions {
  /** Number of attempts that fail in a row, for any resources, before the circuit opens. `TerminalError`s do not count. */
  readonly failures: number;
  /**
   * How long no attempt begins then, in milliseconds. After that one attempt at a time begins, until one succeeds.
   * Default 30,000.
   */
  readonly pauseMs?: number;
}

/** The new state of the circuit, if it changed. */
export type CircuitChange = 'opened' | 'closed' | undefined;

/**
 * Closed: attempts begin. Open: none begins; waiting jobs keep their order and their attempts, instead of using them
 * up on a point that is down. After the pause, one attempt at a time probes the point: a success closes the circuit,
 * a failure opens it for another pause.
 */
export class CircuitBreaker {
  readonly #failures: number;
  readonly #pauseMs: number;
  #consecutiveFailures = 0;
  #openUntil: number | undefined;
  #probes = 0;

  constructor({ failures, pauseMs = 30_000 }: CircuitBreakerOptions) {
    this.#failures = failures;
    this.#pauseMs = pauseMs;
  }

  /** Number of attempts that may begin now. */
  room(now = performance.now()): number {
    if (this.#openUntil === undefined) return Number.POSITIVE_INFINITY;
    return now < this.#openUntil ? 0 : Math.max(0, 1 - this.#probes);
  }

  /** Time until an attempt may begin, in milliseconds; infinite while the result of a probe is awaited. */
  waitMs(now = performance.now()): number {
    if (this.#openUntil === undefined) return 0;
    return this.#probes > 0 ? Number.POSITIVE_INFINITY : Math.max(0, this.#openUntil - now);
  }

  take(attempts: number): void {
    if (this.#openUntil !== undefined) this.#probes += attempts;
  }

  /** The attempt's result says nothing about the point: there was nothing to do, or it was ended for another reason. */
  ended(): void {
    this.#probes = Math.max(0, this.#probes - 1);
  }

  succeeded(): CircuitChange {
    this.ended();
    this.#consecutiveFailures = 0;
    if (this.#openUntil === undefined) return undefined;
    this.#openUntil = undefined;
    this.#probes = 0;
    return 'closed';
  }

  failed(now = performance.now()): CircuitChange {
    this.ended();
    this.#consecutiveFailures++;
    if (this.#consecutiveFailures < this.#failures) return undefined;
    const wasOpen = this.#openUntil !== undefined;
    this.#openUntil = now + this.#pauseMs;
    return wasOpen ? undefined : 'opened';
  }
}
