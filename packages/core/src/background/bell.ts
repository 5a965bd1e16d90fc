import { startTimer } from './timer.ts';

/**
 * A signal that a loop waits for. A ring wakes all waiters. A ring without waiters is remembered (once, not counted) and
 * ends the next wait immediately. So a loop that reads and then waits never misses a ring in between.
 */
export class Bell {
  readonly #waiting = new Set<() => void>();
  #isRung = false;

  /** Whether a ring is remembered, i.e. the next wait ends immediately. */
  get isRung(): boolean {
    return this.#isRung;
  }

  ring(): void {
    if (this.#waiting.size === 0) this.#isRung = true;
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }

  /** Forgets a remembered ring: for a loop that is about to read anyway. */
  silence(): void {
    this.#isRung = false;
  }

  /**
   * Waits for a ring, for at most `timeoutMs` (any length; default no limit) or until the signal aborts. Resolves to
   * whether it rang.
   */
  wait(timeoutMs: number = Number.POSITIVE_INFINITY, signal?: AbortSignal): Promise<boolean> {
    if (this.#isRung) {
      this.#isRung = false;
      return Promise.resolve(true);
    }
    if (timeoutMs <= 0 || signal?.aborted) return Promise.resolve(false);
    return this.#nextRing(timeoutMs, signal);
  }

  #nextRing(timeoutMs: number, signal: AbortSignal | undefined): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const rang = () => end(true);
    const gaveUp = () => end(false);
    const timer = startTimer(timeoutMs, gaveUp);
    const end = (hasRung: boolean): void => {
      timer.cancel();
      this.#waiting.delete(rang);
      signal?.removeEventListener('abort', gaveUp);
      resolve(hasRung);
    };
    this.#waiting.add(rang);
    signal?.addEventListener('abort', gaveUp, { once: true });
    return promise;
  }
}
