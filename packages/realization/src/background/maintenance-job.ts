import { Bell, pause } from '@intendant/core/internal';
import type { Logger } from 'pino';

/** Periodic background work of the framework itself, in contrast to the jobs of resources. Any process may do it. */
export interface MaintenanceJob {
  /** The name of the work in logs. */
  readonly name: string;
  /** The longest time between two runs, in milliseconds. */
  readonly intervalMs: number;
  /** Calls `wake` when there may be work. Returns a function that stops it. Default: only the interval and explicit rings. */
  readonly watch?: ((wake: () => void) => Promise<() => void>) | undefined;
  /**
   * Does a part of the work. Returns the wait until the next run, in milliseconds: 0 if there is more to do; undefined
   * for the interval. The signal aborts when the job is stopped; a long run should then end early.
   */
  work(signal: AbortSignal): Promise<number | undefined>;
}

const FAILURE_PAUSE_MIN_MS = 100;
const FAILURE_PAUSE_MAX_MS = 10_000;

/** Runs one job repeatedly until it is stopped. May be stopped twice, and started again. Handles its errors: each outage is logged once. */
export class MaintenanceJobRunner {
  readonly #job: MaintenanceJob;
  readonly #logger: Logger;
  readonly #bell = new Bell();
  #running: Promise<void> | undefined;
  #stopping = new AbortController();

  constructor(job: MaintenanceJob, logger: Logger) {
    this.#job = job;
    this.#logger = logger;
  }

  start(): void {
    if (this.#running) return;
    this.#stopping = new AbortController();
    this.#running = this.#watched(() => this.#run());
  }

  /** Runs the job soon, because there may be work. */
  ring(): void {
    this.#bell.ring();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
    this.#running = undefined;
  }

  /** If the watch fails, the job still runs at its interval. */
  async #watched(run: () => Promise<void>): Promise<void> {
    const watching = this.#job
      .watch?.(() => this.#bell.ring())
      .catch((error: unknown) => {
        this.#logger.warn(
          { err: error, job: this.#job.name },
          'changes cannot be watched; a maintenance job runs only at its interval',
        );
      });
    await run();
    (await watching)?.();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    for (let failures = 0; !signal.aborted; ) {
      try {
        const again = await this.#job.work(signal);
        failures = 0;
        await this.#bell.wait(again ?? this.#job.intervalMs, signal);
      } catch (error) {
        if (failures === 0)
          this.#logger.warn({ err: error, job: this.#job.name }, 'a maintenance job failed; trying again');
        await pause(Math.min(FAILURE_PAUSE_MAX_MS, FAILURE_PAUSE_MIN_MS * 2 ** failures++), signal);
      }
    }
  }
}
