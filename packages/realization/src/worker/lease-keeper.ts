import { Service } from '@intendant/core/internal';
import type { Logger } from 'pino';
import type { ClaimedJob } from '../job/claim.ts';
import type { JobQueue } from '../job/job-queue.ts';
import { takeOverJobs } from '../job/reschedule.ts';
import { type Claim, isLeaseOver } from './claims.ts';

/** This often in a lease's time, claims are looked at whose renewal is not known to have arrived. */
const CHECKS_A_LEASE = 20;
const LONGEST_CHECK_MS = 1_000;
/** A lease is renewed, and others' are looked at, this often in its time. */
const LOOKS_A_LEASE = 3;

export interface LeaseKeeperParts {
  readonly jobQueue: JobQueue;
  readonly queues: readonly string[];
  readonly leaseMs: number;
  readonly logger: Logger;
  /** What this worker has claimed now. */
  claimed(): readonly Claim[];
  onLost(job: ClaimedJob): void;
  onFreed(): void;
}

/**
 * A claim is a lease: it holds as long as its worker renews it. Each look renews this worker's own leases and frees those
 * of workers that stopped renewing, so that a killed worker's jobs are claimed by another within the lease and one look. A
 * claim that could not be renewed was freed: its attempt must end, since another may have begun. The same holds when the
 * answer to a renewal does not come in time, as when the network hangs.
 */
export class LeaseKeeper {
  readonly #parts: LeaseKeeperParts;
  readonly #looking: Service;
  #checks: NodeJS.Timeout | undefined;

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
    const everyMs = Math.min(this.#parts.leaseMs / CHECKS_A_LEASE, LONGEST_CHECK_MS);
    this.#checks ??= setInterval(() => this.#expire(), everyMs).unref();
    void this.#looking.start();
  }

  stop(): Promise<void> {
    clearInterval(this.#checks);
    this.#checks = undefined;
    return this.#looking.stop();
  }

  async #look(): Promise<undefined> {
    await this.#renew();
    await this.#takeOver();
  }

  async #renew(): Promise<void> {
    const { claimed, jobQueue, onLost } = this.#parts;
    for (const [queue, claims] of Map.groupBy(claimed(), ({ job }) => job.queue)) {
      const jobs = claims.map(({ job }) => job);
      const askedAt = performance.now();
      const held = await jobQueue.renew(queue, jobs);
      for (const claim of claims) {
        if (held.has(claim.job.id)) claim.leasedAt = askedAt;
        else onLost(claim.job);
      }
    }
  }

  #expire(): void {
    const { claimed, leaseMs, onLost } = this.#parts;
    for (const claim of claimed()) if (isLeaseOver(claim, leaseMs)) onLost(claim.job);
  }

  async #takeOver(): Promise<void> {
    const { jobQueue, queues, leaseMs, logger, onFreed } = this.#parts;
    const { taken } = await jobQueue.run({ taken: takeOverJobs(queues, leaseMs) });
    const freed = Number(taken?.rows[0]?.[0]);
    if (freed === 0) return;
    logger.info({ freed }, 'jobs of a silent worker were taken over');
    onFreed();
  }
}
