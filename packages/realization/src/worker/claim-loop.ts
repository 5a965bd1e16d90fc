import { ConnectionError } from '@intendant/core';
import { type Bell, isNodeLost, isUnsettled, startTimer, type Timer, translateError } from '@intendant/core/internal';
import type { Logger } from 'pino';
import type { ClaimedJob } from '../job/claim.ts';
import { armJobBell, disarmJobBell } from '../job/job-bell.ts';
import { hasLostRace, type JobQueue } from '../job/job-queue.ts';
import { nextDueJob } from '../job/reschedule.ts';
import type { Admission } from './admission.ts';
import { attemptInTime } from './attempt-in-time.ts';
import type { Begun, BegunAttempt } from './begin-attempts.ts';
import type { Claim, Claims } from './claims.ts';
import type { Lane } from './lane.ts';
import { LanePauses } from './lane-pauses.ts';
import type { Outcome } from './reschedule-attempts.ts';
import type { Settled } from './settler.ts';
import type { WorkerConfiguration } from './worker-options.ts';

/*
 * A worker claims, begins, runs and finishes: four steps, each in sets, and no set waits for another. One loop claims
 * and begins while there is capacity; attempts run independently; settlers write their results. The loop sleeps after
 * an empty claim or without capacity. The feed, the end of an attempt, the next due job and the lease keeper wake it.
 */

const MAX_CLAIMED_AT_ONCE = 500;
const CONTENDED_PAUSE_MS = 10;
const CONTENDED_LIMIT_MS = 250;
const FAILURE_PAUSE_MIN_MS = 100;
const FAILURE_PAUSE_MAX_MS = 5000;
/** After this number of successful claims in a row a worker is busy, and is not notified of each job. */
const BUSY_TURNS = 2;
/** Delay of a claim without a specific reason, in milliseconds. */
const UNLIKELY_PAUSE_MS = 20;
/** Wait before retrying when a claim did not get a due job because another claim held it locked. */
const OVERDUE_PAUSE_MS = 20;

export interface ClaimLoopParts {
  readonly jobQueue: JobQueue;
  readonly configuration: WorkerConfiguration;
  readonly logger: Logger;
  readonly claims: Claims;
  readonly admission: Admission;
  /** Rings when there may be jobs to claim, or free capacity. */
  readonly bell: Bell;
  /** True if the bell rings continuously; then the loop need not know when the next job is due. */
  readonly isPolled: boolean;
  /** Called when the result of an attempt is stored. */
  onSettled(lane: Lane, attempt: BegunAttempt, outcome: Outcome, settled: Settled): void;
}

/** Claims jobs and starts their attempts while there is capacity. May be stopped twice, and started again. */
export class ClaimLoop {
  readonly #parts: ClaimLoopParts;
  #lanes: readonly Lane[] = [];
  readonly #pauses = new LanePauses<Lane>();
  #contended: Claim[] = [];
  #running: Promise<void> | undefined;
  #isStopping = false;
  #turn = 0;
  /** Number of successful claims in a row. */
  #busyTurns = 0;
  #isBellArmed = false;
  /** Number of notifications that there may be a job. */
  #rings = 0;
  /** Whether the loop waits until an attempt ends. */
  #needsRoom = false;
  #later: Timer | undefined;

  constructor(parts: ClaimLoopParts) {
    this.#parts = parts;
  }

  start(lanes: readonly Lane[]): void {
    this.#lanes = lanes;
    this.#isStopping = false;
    this.#running ??= this.#run();
  }

  /** Resolves when no more jobs are claimed. Jobs that have not begun are handed back; running attempts continue. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#parts.bell.ring();
    await this.#running;
    this.#running = undefined;
    this.#later?.cancel();
    this.#later = undefined;
    this.#rescheduleAll(this.#contended.splice(0), CONTENDED_LIMIT_MS);
  }

  /** Claims jobs soon, because there may be a new or newly due one. */
  ring(): void {
    this.#rings++;
    this.#parts.bell.ring();
  }

  async #run(): Promise<void> {
    for (let failures = 0; !this.#isStopping; ) {
      try {
        const { claimed, isRoomFilled } = await this.#takeMore();
        failures = 0;
        this.#busyTurns = claimed > 0 ? this.#busyTurns + 1 : 0;
        if (this.#busyTurns === BUSY_TURNS) this.#disarmBell();
        if (isRoomFilled || this.#isBusy) continue;
        if (!this.#isStopping) await this.#parts.bell.wait(await this.#napMs(claimed > 0));
      } catch (error) {
        if (failures === 0) this.#parts.logger.warn({ err: error }, 'jobs could not be claimed; trying again');
        await this.#parts.bell.wait(Math.min(FAILURE_PAUSE_MAX_MS, FAILURE_PAUSE_MIN_MS * 2 ** failures++));
      }
    }
  }

  /** Whether jobs arrive so fast that the next claim is likely to succeed and a check before it would be wasted. */
  get #isBusy(): boolean {
    return this.#busyTurns >= (this.#parts.isPolled ? 1 : BUSY_TURNS);
  }

  /** Claims and begins jobs for every lane, up to the free capacity. */
  async #takeMore(): Promise<{ readonly claimed: number; readonly isRoomFilled: boolean }> {
    await this.#beginContended();
    let claimed = 0;
    let isRoomFilled = false;
    this.#turn++;
    for (let index = 0; index < this.#lanes.length; index++) {
      const lane = this.#lanes[(index + this.#turn) % this.#lanes.length] as Lane;
      if (this.#pauses.isPaused(lane)) continue;
      const room = this.#room();
      if (room <= 0) return { claimed, isRoomFilled: false };
      const jobs = await this.#take(lane, room);
      claimed += jobs;
      isRoomFilled ||= jobs >= room;
    }
    return { claimed, isRoomFilled };
  }

  /** Claims and begins in one exchange; if that fails, separately, to find out which failed. Returns the number of jobs. */
  async #take(lane: Lane, room: number): Promise<number> {
    try {
      const { jobs, ...begun } = await lane.claimAndBegin(room);
      this.#runBegun(lane, this.#claim(lane, jobs), begun);
      return jobs.length;
    } catch (error) {
      if (hasLostRace(error)) return 0;
      if (isConnectionError(error)) throw error;
      const jobs = await lane.claim(room);
      await this.#begin(lane, this.#claim(lane, jobs));
      return jobs.length;
    }
  }

  #room(): number {
    const free = Math.min(
      this.#parts.configuration.concurrency - this.#parts.claims.running,
      this.#parts.admission.room(),
    );
    return Math.floor(Math.min(free, MAX_CLAIMED_AT_ONCE - this.#parts.claims.ended));
  }

  /** If an earlier attempt of the resource still runs here, though its lease was lost, no second one begins. */
  #claim(lane: Lane, jobs: readonly ClaimedJob[]): Claim[] {
    this.#parts.admission.take(jobs.length);
    return jobs.flatMap((job) => {
      const claim = this.#parts.claims.add(lane, job);
      if (claim) return claim;
      void this.#reschedule(lane, job, CONTENDED_LIMIT_MS).then(() => this.#parts.bell.ring());
      return [];
    });
  }

  /** Jobs whose resources stay locked are handed back, so that they do not use up capacity. */
  async #beginContended(): Promise<void> {
    const longAgo = performance.now() - CONTENDED_LIMIT_MS;
    const contended = this.#contended.filter(({ claimedAt }) => claimedAt > longAgo);
    const overdue = this.#contended.filter(({ claimedAt }) => claimedAt <= longAgo);
    this.#contended = [];
    this.#rescheduleAll(overdue, CONTENDED_LIMIT_MS);
    for (const [lane, claims] of Map.groupBy(contended, (claim) => claim.lane)) await this.#begin(lane, claims);
  }

  async #begin(lane: Lane, claims: readonly Claim[]): Promise<void> {
    if (claims.length === 0) return;
    try {
      this.#runBegun(lane, claims, await lane.begin(claims.map(({ job }) => job)));
    } catch (error) {
      this.#handleBeginFailure(lane, claims, error);
    }
  }

  /** Jobs without a claim here are not attempted: an earlier attempt of the resource still runs. */
  #runBegun(lane: Lane, claims: readonly Claim[], { attempts, contended, refused = [] }: Begun): void {
    if (claims.length === 0) return;
    const byJob = new Map(claims.map((claim) => [claim.job, claim]));
    for (const attempt of attempts) {
      const claim = byJob.get(attempt.job);
      if (claim) void this.#attempt(claim, attempt);
    }
    this.#contended.push(...contended.flatMap((job) => byJob.get(job) ?? []));
    for (const job of refused) {
      this.#parts.admission.ended({ kind: 'handed-back', retryInMs: 0 }, false);
      this.#parts.claims.remove(byJob.get(job) as Claim);
    }
    if (this.#pauses.succeeded(lane)) this.#parts.logger.info(subjectOf(lane), 'attempts can begin again');
  }

  /** If the database cannot be reached, all lanes pause. Any other error concerns this table only: the other lanes continue. */
  #handleBeginFailure(lane: Lane, claims: readonly Claim[], error: unknown): void {
    if (isConnectionError(error)) {
      this.#contended.push(...claims);
      throw error;
    }
    const { pauseMs, isFirst } = this.#pauses.failed(lane);
    if (isFirst) this.#parts.logger.warn({ ...subjectOf(lane), err: error }, CANNOT_BEGIN);
    this.#rescheduleAll(claims, pauseMs);
  }

  async #attempt(claim: Claim, attempt: BegunAttempt): Promise<void> {
    claim.attempt = attempt;
    const rings = this.#rings;
    const outcome = await attemptInTime(claim, attempt, this.#parts.configuration.leaseMs);
    this.#parts.claims.end(claim);
    this.#parts.admission.ended(outcome, attempt.action === 'realize' || attempt.action === 'unrealize');
    if (this.#needsRoom) this.#parts.bell.ring();
    const settled = await claim.lane.settle(attempt, outcome);
    this.#parts.onSettled(claim.lane, attempt, outcome, settled);
    if (settled !== 'settled') {
      this.#parts.logger.info(
        { table: claim.lane.tables.resource.name, identity: attempt.job.identity, revision: attempt.revision },
        EXPLANATIONS[settled],
      );
    }
    this.#parts.claims.remove(claim);
    this.#ringAfter(settled === 'settled' && outcome.kind === 'done' && rings === this.#rings);
  }

  /** Without a notification a next job of the resource is unlikely; callers that wait for the result come first. */
  #ringAfter(isUnlikely: boolean): void {
    if (!isUnlikely || this.#needsRoom || this.#isBusy || this.#isStopping) this.#parts.bell.ring();
    else this.#later ??= startTimer(UNLIKELY_PAUSE_MS, () => this.#ringLater());
  }

  #ringLater(): void {
    this.#later = undefined;
    this.#parts.bell.ring();
  }

  #rescheduleAll(claims: readonly Claim[], retryInMs: number): void {
    for (const claim of claims) {
      this.#parts.claims.end(claim);
      void this.#reschedule(claim.lane, claim.job, retryInMs).then(() => {
        this.#parts.claims.remove(claim);
        this.#parts.bell.ring();
      });
    }
  }

  #reschedule(lane: Lane, job: ClaimedJob, retryInMs: number): Promise<unknown> {
    const attempt: BegunAttempt = { job, action: 'nothing', record: null, revision: 0, isTracked: false };
    const outcome = { kind: 'handed-back', retryInMs } as const;
    this.#parts.admission.ended(outcome, false);
    return lane.settle(attempt, outcome);
  }

  /** Notifications slow down all writers, and a busy worker checks by itself. */
  #disarmBell(): void {
    if (!this.#isBellArmed) return;
    this.#isBellArmed = false;
    const queues = this.#lanes.map(({ queue }) => queue);
    void this.#parts.jobQueue.run([disarmJobBell(queues)]).catch(() => undefined);
  }

  /** Time until something is due, as far as is known. `hasClaimed`: the previous claim took what was due then. */
  async #napMs(hasClaimed: boolean): Promise<number> {
    const { pollIntervalMs, concurrency } = this.#parts.configuration;
    this.#needsRoom = this.#room() <= 0;
    if (this.#contended.length > 0) return CONTENDED_PAUSE_MS;
    const { claims, jobQueue } = this.#parts;
    const { running, ended } = claims;
    if (running >= concurrency || ended >= MAX_CLAIMED_AT_ONCE) return pollIntervalMs;
    if (this.#room() <= 0) return Math.max(1, this.#parts.admission.waitMs(pollIntervalMs));
    if (this.#parts.isPolled) return pollIntervalMs;
    const queues = this.#lanes.flatMap((lane) => (this.#pauses.isPaused(lane) ? [] : [lane.queue]));
    // The check comes after the bell is armed, so that a job that was stored before is not missed.
    const { next } = await jobQueue.run({ arm: armJobBell(queues, pollIntervalMs), next: nextDueJob(queues) });
    this.#isBellArmed = true;
    const due = next.rows[0]?.[0] ?? null;
    const limitMs = Math.min(pollIntervalMs, this.#pauses.remainingMs());
    if (due === null) return limitMs;
    return Math.min(limitMs, Math.max(hasClaimed ? 0 : OVERDUE_PAUSE_MS, Number(due)));
  }
}

const isConnectionError = (error: unknown): boolean =>
  translateError(error, { operation: 'begin' }) instanceof ConnectionError && !isNodeLost(error) && !isUnsettled(error);

const CANNOT_BEGIN = 'attempts could not begin; trying again with growing delays';

const subjectOf = (lane: Lane) => ({ table: lane.tables.resource.name });

const EXPLANATIONS = {
  stale: 'a newer revision had arrived; it is next',
  lost: 'the attempt had been given to another worker; what it reported does not count',
} as const;
