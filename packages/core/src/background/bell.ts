import { startTimer } from './timer.ts';

/**
 * What a loop sleeps on. A ring wakes all that wait; a ring while nobody waits is remembered, once, and ends the next
 * wait at once. So a loop that looks, and then waits, never misses what was rung for in between.
 */
export class Bell {
  readonly #waiting = new Set<() => void>();
  #isRung = false;

  /** It rang and nobody has waited since. */
  get isRung(): boolean {
    return this.#isRung;
  }

  ring(): void {
    if (this.#waiting.size === 0) this.#isRung = true;
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }

  /** Forgets a ring: for a loop that is about to look anyway. */
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
