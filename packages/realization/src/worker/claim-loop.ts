import { ConnectionError } from '@intendant/core';
import { type Bell, startTimer, type Timer, translateError } from '@intendant/core/internal';
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
import type { Outcome } from './set-attempts-back.ts';
import type { Settled } from './settler.ts';
import type { WorkerConfiguration } from './worker-options.ts';

/*
 * A worker claims, begins, runs and finishes: four steps, each in sets, and no set waits for another. One loop claims
 * and begins while there is capacity; attempts run independently; settlers write their results. The loop sleeps only
 * after an empty claim or without capacity. The feed, the end of an attempt, the next due job and the lease keeper
 * (after it freed a claim) wake it.
 */

const MAX_CLAIMED_TOGETHER = 500;
const CONTENDED_PAUSE_MS = 10;
const CONTENDED_LIMIT_MS = 250;
const FAILURE_PAUSE_MIN_MS = 100;
const FAILURE_PAUSE_MAX_MS = 5000;
/** After this number of successful claims in a row a worker is busy, and is not notified of each job. */
const BUSY_TURNS = 2;
/** How much later a look comes for which there is no reason known. */
const UNLIKELY_PAUSE_MS = 20;
/** Wait before retrying when a claim did not get a due job because another claim held it locked. */
const OVERDUE_PAUSE_MS = 20;

export interface ClaimLoopParts {
  readonly jobQueue: JobQueue;
  readonly configuration: WorkerConfiguration;
  readonly logger: Logger;
  readonly claims: Claims;
  readonly admission: Admission;
  /** Rung when there may be something to claim, or room for it. */
  readonly bell: Bell;
  /** The bell rings continuously, so the loop need not know when the next job is due. */
  readonly isPolled: boolean;
  /** The result of an attempt is stored. */
  onSettled(lane: Lane, attempt: BegunAttempt, outcome: Outcome, settled: Settled): void;
}

/** Takes jobs and has them attempted, while there is room. May be stopped twice, and started again. */
export class ClaimLoop {
  readonly #parts: ClaimLoopParts;
  #lanes: readonly Lane[] = [];
  readonly #pauses = new LanePauses<Lane>();
  #contended: Claim[] = [];
  #running: Promise<void> | undefined;
  #isStopping = false;
  #turn = 0;
  /** Claims in a row that brought something. */
  #busyTurns = 0;
  #isBellArmed = false;
  /** How often it was said from outside that there may be a job. */
  #rings = 0;
  /** The loop waits until an attempt ends. */
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

  /** Resolves when no more is taken; what could not begin yet is handed back, and what has begun goes on. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#parts.bell.ring();
    await this.#running;
    this.#running = undefined;
    this.#later?.cancel();
    this.#later = undefined;
    this.#handBack(this.#contended.splice(0), CONTENDED_LIMIT_MS);
  }

  /** There may be a new job, or one that has become due. */
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

  /** So many jobs come that the next claim is likely to find some, and a look before it would be wasted. */
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

  /** Claims and begins in one exchange; apart when that fails, to find out which of the two it was. Returns the number of jobs. */
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
    return Math.floor(Math.min(free, MAX_CLAIMED_TOGETHER - this.#parts.claims.ended));
  }

  /** A resource whose earlier attempt still runs here, though its lease was lost, is not begun a second time. */
  #claim(lane: Lane, jobs: readonly ClaimedJob[]): Claim[] {
    this.#parts.admission.take(jobs.length);
    return jobs.flatMap((job) => {
      const claim = this.#parts.claims.add(lane, job);
      if (claim) return claim;
      void this.#giveBack(lane, job, CONTENDED_LIMIT_MS).then(() => this.#parts.bell.ring());
      return [];
    });
  }

  /** What stays locked is given back, so that it takes no room from others. */
  async #beginContended(): Promise<void> {
    const longAgo = performance.now() - CONTENDED_LIMIT_MS;
    const contended = this.#contended.filter(({ claimedAt }) => claimedAt > longAgo);
    this.#handBack(
      this.#contended.filter(({ claimedAt }) => claimedAt <= longAgo),
      CONTENDED_LIMIT_MS,
    );
    this.#contended = [];
    for (const [lane, claims] of Map.groupBy(contended, (claim) => claim.lane)) await this.#begin(lane, claims);
  }

  async #begin(lane: Lane, claims: readonly Claim[]): Promise<void> {
    if (claims.length === 0) return;
    try {
      this.#runBegun(lane, claims, await lane.begin(claims.map(({ job }) => job)));
    } catch (error) {
      this.#couldNotBegin(lane, claims, error);
    }
  }

  /** Attempts of jobs that have no claim here do not run: an earlier attempt of the resource still does. */
  #runBegun(lane: Lane, claims: readonly Claim[], { attempts, contended }: Begun): void {
    if (claims.length === 0) return;
    const byJob = new Map(claims.map((claim) => [claim.job, claim]));
    for (const attempt of attempts) {
      const claim = byJob.get(attempt.job);
      if (claim) void this.#attempt(claim, attempt);
    }
    this.#contended.push(...contended.flatMap((job) => byJob.get(job) ?? []));
    if (this.#pauses.succeeded(lane)) this.#parts.logger.info(subjectOf(lane), 'attempts can begin again');
  }

  /** If the database cannot be reached, all lanes wait. Any other error is about this table: the other lanes go on. */
  #couldNotBegin(lane: Lane, claims: readonly Claim[], error: unknown): void {
    if (isConnectionError(error)) {
      this.#contended.push(...claims);
      throw error;
    }
    const { pauseMs, isFirst } = this.#pauses.failed(lane);
    if (isFirst)
      this.#parts.logger.warn(
        { ...subjectOf(lane), err: error },
        'attempts could not begin; trying again, ever slower',
      );
    this.#handBack(claims, pauseMs);
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
    this.#lookAfter(settled === 'settled' && outcome.kind === 'done' && rings === this.#rings);
  }

  /**
   * A job of the same resource that came meanwhile can be claimed now. If nothing was heard of one, that is unlikely, and
   * the look for it waits a moment, so that it does not compete with those who are waiting for the outcome.
   */
  #lookAfter(isUnlikely: boolean): void {
    if (!isUnlikely || this.#needsRoom || this.#isBusy || this.#isStopping) this.#parts.bell.ring();
    else this.#later ??= startTimer(UNLIKELY_PAUSE_MS, () => this.#ringLater());
  }

  #ringLater(): void {
    this.#later = undefined;
    this.#parts.bell.ring();
  }

  #handBack(claims: readonly Claim[], retryInMs: number): void {
    for (const claim of claims) {
      this.#parts.claims.end(claim);
      void this.#giveBack(claim.lane, claim.job, retryInMs).then(() => {
        this.#parts.claims.remove(claim);
        this.#parts.bell.ring();
      });
    }
  }

  #giveBack(lane: Lane, job: ClaimedJob, retryInMs: number): Promise<unknown> {
    const attempt: BegunAttempt = { job, action: 'nothing', record: null, revision: 0, isTracked: false };
    const outcome = { kind: 'handed-back', retryInMs } as const;
    this.#parts.admission.ended(outcome, false);
    return lane.settle(attempt, outcome);
  }

  /** Others' notifications cost all who write, and a busy worker looks by itself. */
  #disarmBell(): void {
    if (!this.#isBellArmed) return;
    this.#isBellArmed = false;
    const queues = this.#lanes.map(({ queue }) => queue);
    void this.#parts.jobQueue.run([disarmJobBell(queues)]).catch(() => undefined);
  }

  /** How long nothing is going to be due, as far as is known. `hasClaimed`: the claim before took what was due then. */
  async #napMs(hasClaimed: boolean): Promise<number> {
    const { pollIntervalMs, concurrency } = this.#parts.configuration;
    this.#needsRoom = this.#room() <= 0;
    if (this.#contended.length > 0) return CONTENDED_PAUSE_MS;
    const { running, ended } = this.#parts.claims;
    if (running >= concurrency || ended >= MAX_CLAIMED_TOGETHER) return pollIntervalMs;
    if (this.#room() <= 0) return Math.max(1, this.#parts.admission.waitMs(pollIntervalMs));
    const awake = this.#lanes.filter((lane) => !this.#pauses.isPaused(lane));
    if (this.#parts.isPolled) return pollIntervalMs;
    const queues = awake.map(({ queue }) => queue);
    // The look comes after the bell is armed: a job that was stored before must not be slept over.
    const [, answer] = await this.#parts.jobQueue.run([armJobBell(queues, pollIntervalMs), nextDueJob(queues)]);
    this.#isBellArmed = true;
    const due = answer?.rows[0]?.[0] ?? null;
    const limitMs = Math.min(pollIntervalMs, this.#pauses.remainingMs());
    if (due === null) return limitMs;
    return Math.min(limitMs, Math.max(hasClaimed ? 0 : OVERDUE_PAUSE_MS, Number(due)));
  }
}

const isConnectionError = (error: unknown): boolean =>
  translateError(error, { operation: 'begin' }) instanceof ConnectionError;

const subjectOf = (lane: Lane) => ({ table: lane.tables.resource.name });

const EXPLANATIONS = {
  stale: 'a newer revision had arrived; it is next',
  lost: 'the attempt had been given to another worker; what it reported does not count',
} as const;
