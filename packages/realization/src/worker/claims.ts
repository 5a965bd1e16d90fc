import type { ClaimedJob } from '../job/claim.ts';
import { jobKey } from '../job/job-key.ts';
import type { BegunAttempt } from './begin-attempts.ts';
import type { Lane } from './lane.ts';

/** A job that this worker has claimed. The claim exists until its result is stored. */
export interface Claim {
  readonly job: ClaimedJob;
  readonly lane: Lane;
  readonly controller: AbortController;
  /** By the monotonic clock. */
  readonly claimedAt: number;
  /** When the claim, or its last renewal, was sent: the lease begins then or later. By the monotonic clock. */
  leasedAt: number;
  /** Undefined until it has begun. */
  attempt: BegunAttempt | undefined;
  /** The handler has returned, and what it reports is being written. */
  hasEnded: boolean;
}

/** What a worker has claimed: at most one job of a resource. */
export class Claims {
  readonly #byPlace = new Map<string, Claim>();
  #ended = 0;

  get size(): number {
    return this.#byPlace.size;
  }

  /** Claims that are not ended: those that take up the worker's concurrency. */
  get running(): number {
    return this.#byPlace.size - this.#ended;
  }

  /** Claims of which the outcome is being written. */
  get ended(): number {
    return this.#ended;
  }

  all(): Claim[] {
    return [...this.#byPlace.values()];
  }

  /** The claim of just this job and attempt. */
  of(job: ClaimedJob): Claim | undefined {
    const claim = this.#byPlace.get(placeOf(job));
    return claim?.job === job ? claim : undefined;
  }

  /** Undefined when an earlier claim of the same resource is still here. */
  add(lane: Lane, job: ClaimedJob): Claim | undefined {
    const place = placeOf(job);
    if (this.#byPlace.has(place)) return undefined;
    const claim: Claim = {
      job,
      lane,
      controller: new AbortController(),
      claimedAt: performance.now(),
      leasedAt: lane.askedAt,
      attempt: undefined,
      hasEnded: false,
    };
    this.#byPlace.set(place, claim);
    return claim;
  }

  end(claim: Claim): void {
    if (claim.hasEnded || this.of(claim.job) !== claim) return;
    claim.hasEnded = true;
    this.#ended++;
  }

  remove(claim: Claim): void {
    if (this.of(claim.job) !== claim) return;
    this.#byPlace.delete(placeOf(claim.job));
    if (claim.hasEnded) this.#ended--;
  }

  clear(): void {
    this.#byPlace.clear();
    this.#ended = 0;
  }
}

/** A part of the lease is kept back, since timers are late and an abort takes a moment. */
const USABLE_SHARE = 0.9;

/**
 * True if another worker may have taken the job over, for all that this process knows. It counts by its own clock from when
 * it asked, so that answers which are late, or never come, cannot make a lease longer than the database does.
 */
export const isLeaseOver = ({ leasedAt }: Claim, leaseMs: number): boolean =>
  performance.now() >= leasedAt + leaseMs * USABLE_SHARE;

const placeOf = ({ queue, identity }: ClaimedJob): string => `${queue} ${jobKey(identity.map(String))}`;
