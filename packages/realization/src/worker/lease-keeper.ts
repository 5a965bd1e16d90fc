import { Service } from '@intendant/core/internal';
import type { Logger } from 'pino';
import type { ClaimedJob } from '../job/claim.ts';
import type { JobQueue } from '../job/job-queue.ts';
import { takeOverJobs } from '../job/reschedule.ts';
import { type Claim, isLeaseOver } from './claims.ts';

/** Number of times per lease that the worker checks for claims whose renewal was not confirmed. */
const CHECKS_PER_LEASE = 20;
const LONGEST_CHECK_MS = 1_000;
/** Number of times per lease that leases are renewed and expired ones are searched for. */
const ROUNDS_PER_LEASE = 3;

export interface LeaseKeeperParts {
  readonly jobQueue: JobQueue;
  readonly queues: readonly string[];
  readonly leaseMs: number;
  readonly logger: Logger;
  /** The current claims of this worker. */
  claimed(): readonly Claim[];
  onLost(job: ClaimedJob): void;
  onFreed(): void;
}

/**
 * A claim is a lease: it is valid as long as its worker renews it. Each round renews this worker's own leases and frees
 * those that other workers have stopped renewing. So the jobs of a killed worker are claimed by another one within the
 * duration of a lease and a round. If a claim could not be renewed, it was freed: its attempt must end, because another
 * may have begun. The same applies if the response to a renewal does not arrive in time, e.g. because the network
 * hangs.
 */
export class LeaseKeeper {
  readonly #parts: LeaseKeeperParts;
  readonly #service: Service;
  #checks: NodeJS.Timeout | undefined;

  constructor(parts: LeaseKeeperParts) {
    this.#parts = parts;
    this.#service = new Service({
      logger: parts.logger,
      messages: { began: 'leases could not be renewed; trying again', ended: 'leases are renewed again' },
      intervalMs: parts.leaseMs / ROUNDS_PER_LEASE,
      run: () => this.#checkLeases(),
    });
  }

  start(): void {
    const everyMs = Math.min(this.#parts.leaseMs / CHECKS_PER_LEASE, LONGEST_CHECK_MS);
    this.#checks ??= setInterval(() => this.#expire(), everyMs).unref();
    void this.#service.start();
  }

  stop(): Promise<void> {
    clearInterval(this.#checks);
    this.#checks = undefined;
    return this.#service.stop();
  }

  async #checkLeases(): Promise<undefined> {
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
    logger.info({ freed }, 'jobs of an unresponsive worker were taken over');
    onFreed();
  }
}
