import type { Logger } from 'pino';
import { CircuitBreaker, type CircuitBreakerOptions } from './circuit-breaker.ts';
import { RateLimit, type RateLimitOptions } from './rate-limit.ts';
import type { Outcome } from './reschedule-attempts.ts';

export interface AdmissionOptions {
  readonly rateLimit: RateLimitOptions | undefined;
  readonly circuitBreaker: CircuitBreakerOptions | undefined;
}

/** Decides whether attempts may begin: by the point's rate limit and circuit breaker. */
export class Admission {
  readonly #rateLimit: RateLimit | undefined;
  readonly #circuit: CircuitBreaker | undefined;
  readonly #logger: Logger;

  constructor({ rateLimit, circuitBreaker }: AdmissionOptions, logger: Logger) {
    this.#rateLimit = rateLimit && new RateLimit(rateLimit);
    this.#circuit = circuitBreaker && new CircuitBreaker(circuitBreaker);
    this.#logger = logger;
  }

  /** Number of attempts that may begin now. */
  room(): number {
    const { POSITIVE_INFINITY } = Number;
    return Math.min(this.#rateLimit?.room() ?? POSITIVE_INFINITY, this.#circuit?.room() ?? POSITIVE_INFINITY);
  }

  /** Time until an attempt may begin, at most this long, in milliseconds. */
  waitMs(atMost: number): number {
    return Math.min(atMost, Math.max(this.#rateLimit?.waitMs() ?? 0, this.#circuit?.waitMs() ?? 0));
  }

  take(attempts: number): void {
    this.#rateLimit?.take(attempts);
    this.#circuit?.take(attempts);
  }

  /** `hasRun`: whether a handler was called. */
  ended(outcome: Outcome, hasRun: boolean): void {
    const circuit = this.#circuit;
    if (!circuit) return;
    const isAboutPoint = hasRun && (outcome.kind === 'done' || (outcome.kind === 'failed' && !outcome.isTerminal));
    if (!isAboutPoint) {
      circuit.ended();
      return;
    }
    const change = outcome.kind === 'done' ? circuit.succeeded() : circuit.failed();
    if (change === 'opened')
      this.#logger.warn('too many attempts failed in a row; no attempt begins at this point for a while');
    if (change === 'closed') this.#logger.info('an attempt succeeded; attempts begin normally again');
  }
}
