import type { Logger } from 'pino';
import { type MaintenanceJob, MaintenanceJobRunner } from '../background/maintenance-job.ts';

/**
 * Runs background maintenance: rollouts, submitted operations, purging, resync. Each job runs by itself; no two processes
 * work on the same thing at once. Start and stop may be called in any order and more than once.
 */
export class Maintenance implements AsyncDisposable {
  readonly #runners: ReadonlyMap<string, MaintenanceJobRunner>;
  readonly #checkOpen: () => void;
  #isStarted = false;

  /** @internal */
  constructor(jobs: readonly MaintenanceJob[], logger: Logger, checkOpen: () => void) {
    this.#checkOpen = checkOpen;
    this.#runners = new Map(jobs.map((job) => [job.name, new MaintenanceJobRunner(job, logger)]));
  }

  get isStarted(): boolean {
    return this.#isStarted;
  }

  /** Throws ConfigurationError when the realization is closed. */
  start(): void {
    this.#checkOpen();
    this.#isStarted = true;
    for (const runner of this.#runners.values()) runner.start();
  }

  /** Resolves when running work has ended. */
  async stop(): Promise<void> {
    this.#isStarted = false;
    await Promise.all([...this.#runners.values()].map((runner) => runner.stop()));
  }

  /** @internal This job may have work. */
  ring(job: string): void {
    this.#runners.get(job)?.ring();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}
