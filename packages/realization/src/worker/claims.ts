import type { ClaimedJob } from '../job/claim.ts';
import { jobKey } from '../job/job-key.ts';
import type { BegunAttempt } from './begin-attempts.ts';
import type { Lane } from './lane.ts';

/** A job that this worker has claimed. The claim exists until its result is stored. */
export interface Claim {
  readonly job: ClaimedJob;
  readonly lane: Lane;
  readonly controller: AbortController;
  /** When it was claimed, by the monotonic clock. */
  readonly claimedAt: number;
  /** When the claim, or its last renewal, was sent: the lease begins then or later. By the monotonic clock. */
  leasedAt: number;
  /** The attempt; undefined until it has begun. */
  attempt: BegunAttempt | undefined;
  /** Whether the handler has returned and its result is being written. */
  hasEnded: boolean;
}

/** The claims of a worker: at most one for each resource. */
export class Claims {
  readonly #byPlace = new Map<string, Claim>();
  #ended = 0;

  get size(): number {
    return this.#byPlace.size;
  }

  /** Number of claims that count against the worker's concurrency. */
  get running(): number {
    return this.#byPlace.size - this.#ended;
  }

  /** Claims whose results are being written. */
  get ended(): number {
    return this.#ended;
  }

  all(): Claim[] {
    return [...this.#byPlace.values()];
  }

  /** The claim of this job and attempt. */
  of(job: ClaimedJob): Claim | undefined {
    const claim = this.#byPlace.get(placeOf(job));
    return claim?.job === job ? claim : undefined;
  }

  /** Adds a claim. Returns undefined if an earlier claim of the same resource still exists here. */
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

/** The safety margin of a lease, because timers are late and an abort takes time. */
const USABLE_SHARE = 0.9;

/**
 * Whether another worker may have taken the job over, as far as this process knows. The time is measured on this
 * process's clock from the moment the claim was sent. So a late or lost response cannot make the lease longer here than
 * in the database.
 */
export const isLeaseOver = ({ leasedAt }: Claim, leaseMs: number): boolean =>
  performance.now() >= leasedAt + leaseMs * USABLE_SHARE;

/** A job that names no resource has a place of its own. */
const placeOf = ({ id, queue, identity }: ClaimedJob): string =>
  `${queue} ${identity.length === 0 ? id : jobKey(identity.map(String))}`;
