import { Service } from '@intendant/core/internal';
import type { Logger } from 'pino';
import type { ClaimedJob } from '../job/claim.ts';
import type { JobQueue } from '../job/job-queue.ts';
import { takeOverJobs } from '../job/reschedule.ts';

/** A lease is renewed, and others' are looked at, this often in its time. */
const LOOKS_A_LEASE = 3;

export interface LeaseKeeperParts {
  readonly jobQueue: JobQueue;
  readonly queues: readonly string[];
  readonly leaseMs: number;
  readonly logger: Logger;
  /** What this worker has claimed now. */
  claimed(): readonly ClaimedJob[];
  onLost(job: ClaimedJob): void;
  onFreed(): void;
}

/**
 * A claim is a lease: it holds as long as its worker renews it. Each look renews this worker's own leases and frees those
 * of workers that stopped renewing, so that a killed worker's jobs are claimed by another within the lease and one look. A
 * claim that could not be renewed was freed: its attempt must end, since another may have begun.
 */
export class LeaseKeeper {
  readonly #parts: LeaseKeeperParts;
  readonly #looking: Service;

  constructor(parts: LeaseKeeperParts) {
    this.#parts = parts;
    this.#looking = new Service({
      logger: parts.logger,
      messages: { began: 'leases could not be renewed; trying again', ended: 'leases are renewed again' },
      intervalMs: parts.leaseMs / LOOKS_A_LEASE,
      run: () => this.#look(),
    });
  }

  start(): void {
    void this.#looking.start();
  }

  stop(): Promise<void> {
    return this.#looking.stop();
  }

  async #look(): Promise<undefined> {
    await this.#renew();
    await this.#takeOver();
  }

  async #renew(): Promise<void> {
    const { claimed, jobQueue, onLost } = this.#parts;
    for (const [queue, jobs] of Map.groupBy(claimed(), (job) => job.queue)) {
      const held = await jobQueue.renew(queue, jobs);
      for (const job of jobs) if (!held.has(job.id)) onLost(job);
    }
  }

  async #takeOver(): Promise<void> {
    const { jobQueue, queues, leaseMs, logger, onFreed } = this.#parts;
    const [taken] = await jobQueue.run([takeOverJobs(queues, leaseMs)]);
    const freed = Number(taken?.rows[0]?.[0]);
    if (freed === 0) return;
    logger.info({ freed }, 'jobs of a silent worker were taken over');
    onFreed();
  }
}
