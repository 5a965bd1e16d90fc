import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { EndedAttempt, Settled } from './settle-attempts.ts';

const MAX_SETTLED_TOGETHER = 500;
const RETRY_MIN_MS = 50;
const RETRY_MAX_MS = 2000;

/**
 * Gathers what attempts of one queue have to report and writes it together: what ends while one batch is being written
 * makes the next. So a worker with nothing else to do writes at once, and a busy one in large sets.
 */
export class Settler {
  readonly #write: (ended: readonly EndedAttempt[]) => Promise<Settled[]>;
  readonly #logger: Logger;
  #waiting: { ended: EndedAttempt; resolve: (settled: Settled) => void }[] = [];
  #isWriting = false;
  #isStopped = false;

  constructor(write: (ended: readonly EndedAttempt[]) => Promise<Settled[]>, logger: Logger) {
    this.#write = write;
    this.#logger = logger;
  }

  /** Resolves once it is written. An attempt that cannot be written before `abandon` counts as lost. */
  settle(ended: EndedAttempt): Promise<Settled> {
    const settled = new Promise<Settled>((resolve) => this.#waiting.push({ ended, resolve }));
    if (!this.#isWriting) {
      this.#isWriting = true;
      setImmediate(() => void this.#writeAll());
    }
    return settled;
  }

  /** Stops trying to reach a database that is away. Leases lapse, and others take over. */
  abandon(): void {
    this.#isStopped = true;
  }

  async #writeAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, MAX_SETTLED_TOGETHER);
      const results = await this.#writeUntilDone(batch.map(({ ended }) => ended));
      for (const [index, { resolve }] of batch.entries()) resolve(results[index] ?? 'lost');
    }
    this.#isWriting = false;
  }

  async #writeUntilDone(batch: readonly EndedAttempt[]): Promise<Settled[]> {
    for (let failures = 0; ; failures++) {
      try {
        return await this.#write(batch);
      } catch (error) {
        if (failures === 0)
          this.#logger.warn({ err: error }, 'what attempts reported could not be written yet; trying again');
        if (this.#isStopped) return [];
        await delay(Math.min(RETRY_MAX_MS, RETRY_MIN_MS * 2 ** failures));
      }
    }
  }
}
