import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';

/** The result of a report: `lost` if the claim had expired, `stale` if there was a newer revision. */
export type Settled = 'settled' | 'stale' | 'lost';

const MAX_SETTLED_AT_ONCE = 500;
const RETRY_MIN_MS = 50;
const RETRY_MAX_MS = 2000;
/** Other transactions hold the resources of all remaining reports. */
const CONTENDED_PAUSE_MS = 20;

/** Writes several reports together and returns a result for each. A `contended` report changed nothing and is retried. */
export type WriteReports<Report> = (reports: readonly Report[]) => Promise<readonly (Settled | 'contended')[]>;

interface Waiting<Report> {
  readonly report: Report;
  readonly resolve: (settled: Settled) => void;
}

/**
 * Collects the results of attempts of one queue and writes them together: results that arrive while one batch is
 * being written form the next. So an idle worker writes at once, and a busy one in large sets.
 */
export class Settler<Report> {
  readonly #write: WriteReports<Report>;
  readonly #logger: Logger;
  #waiting: Waiting<Report>[] = [];
  #isWriting = false;
  #isStopped = false;

  constructor(write: WriteReports<Report>, logger: Logger) {
    this.#write = write;
    this.#logger = logger;
  }

  /** Resolves when the report is written. A report that cannot be written before `abandon` counts as lost. */
  settle(report: Report): Promise<Settled> {
    const settled = new Promise<Settled>((resolve) => this.#waiting.push({ report, resolve }));
    if (!this.#isWriting) {
      this.#isWriting = true;
      setImmediate(() => void this.#writeAll());
    }
    return settled;
  }

  /** Stops trying to reach an unavailable database. Then leases expire, and other workers take the jobs over. */
  abandon(): void {
    this.#isStopped = true;
  }

  async #writeAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, MAX_SETTLED_AT_ONCE);
      const results = await this.#writeUntilDone(batch.map(({ report }) => report));
      const contended = batch.filter(({ resolve }, index) => {
        const result = results[index] ?? 'lost';
        if (result !== 'contended') resolve(result);
        return result === 'contended';
      });
      this.#waiting.push(...contended);
      if (contended.length > 0 && contended.length === this.#waiting.length) await delay(CONTENDED_PAUSE_MS);
    }
    this.#isWriting = false;
  }

  async #writeUntilDone(batch: readonly Report[]): Promise<readonly (Settled | 'contended')[]> {
    for (let failures = 0; !this.#isStopped; failures++) {
      try {
        return await this.#write(batch);
      } catch (error) {
        if (failures === 0)
          this.#logger.warn({ err: error }, 'results of attempts could not be written yet; trying again');
        await delay(Math.min(RETRY_MAX_MS, RETRY_MIN_MS * 2 ** failures));
      }
    }
    return [];
  }
}
