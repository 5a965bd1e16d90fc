import { ConnectionError } from '@intendant/core';
import { type Bell, type DataStoreInternals, translateError } from '@intendant/core/internal';
import type { Logger } from 'pino';
import { armJobBell, disarmJobBell } from '../job/job-bell.ts';
import type { ClaimedJob, JobQueue } from '../job/job-queue.ts';
import { nextDueJob } from '../job/reschedule.ts';
import type { Admission } from './admission.ts';
import { runAttempt } from './attempt.ts';
import { type BegunAttempt, beginAttempts } from './begin-attempts.ts';
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
/** Wait before retrying when a claim did not get a due job because another claim held it locked. */
const OVERDUE_PAUSE_MS = 20;

export interface ClaimLoopParts {
  readonly store: DataStoreInternals;
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
    this.#handBack(this.#contended.splice(0), CONTENDED_LIMIT_MS);
  }

  async #run(): Promise<void> {
    for (let failures = 0; !this.#isStopping; ) {
      try {
        const isBusy = await this.#takeMore();
        failures = 0;
        this.#busyTurns = isBusy ? this.#busyTurns + 1 : 0;
        if (this.#busyTurns === BUSY_TURNS) this.#disarmBell();
        if (!isBusy && !this.#isStopping) await this.#parts.bell.wait(await this.#napMs());
      } catch (error) {
        if (failures === 0) this.#parts.logger.warn({ err: error }, 'jobs could not be claimed; trying again');
        await this.#parts.bell.wait(Math.min(FAILURE_PAUSE_MAX_MS, FAILURE_PAUSE_MIN_MS * 2 ** failures++));
      }
    }
  }

  /** Claims and begins jobs for every lane, up to the free capacity. Returns whether there may be more. */
  async #takeMore(): Promise<boolean> {
    await this.#beginContended();
    let isBusy = false;
    this.#turn++;
    for (let index = 0; index < this.#lanes.length; index++) {
      const lane = this.#lanes[(index + this.#turn) % this.#lanes.length] as Lane;
      if (this.#pauses.isPaused(lane)) continue;
      const room = this.#room();
      if (room <= 0) return false;
      const jobs = await lane.claim(room);
      isBusy ||= jobs.length > 0;
      await this.#begin(lane, this.#claim(lane, jobs));
    }
    return isBusy;
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
    const byJob = new Map(claims.map((claim) => [claim.job, claim]));
    const { store } = this.#parts;
    const { enforcementPoint, retry } = this.#parts.configuration;
    try {
      const begun = await beginAttempts(store.executor, lane.tables, enforcementPoint, [...byJob.keys()], retry.limit);
      for (const attempt of begun.attempts) void this.#attempt(byJob.get(attempt.job) as Claim, attempt);
      this.#contended.push(...begun.contended.map((job) => byJob.get(job) as Claim));
      if (this.#pauses.succeeded(lane)) this.#parts.logger.info(subjectOf(lane), 'attempts can begin again');
    } catch (error) {
      this.#couldNotBegin(lane, claims, error);
    }
  }

  /** A database that is away is everybody's trouble. Anything else is this table's: the others go on without it. */
  #couldNotBegin(lane: Lane, claims: readonly Claim[], error: unknown): void {
    if (translateError(error, { operation: 'begin' }) instanceof ConnectionError) {
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
    const outcome = await runAttempt(claim.lane.setting, attempt, claim.controller);
    this.#parts.claims.end(claim);
    this.#parts.admission.ended(outcome, attempt.action === 'realize' || attempt.action === 'unrealize');
    this.#parts.bell.ring();
    const settled = await claim.lane.settle(attempt, outcome);
    this.#parts.onSettled(claim.lane, attempt, outcome, settled);
    if (settled !== 'settled') {
      this.#parts.logger.info(
        { table: claim.lane.tables.resource.name, identity: attempt.job.identity, revision: attempt.revision },
        EXPLANATIONS[settled],
      );
    }
    this.#parts.claims.remove(claim);
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

  /** How long nothing is going to be due, as far as is known. */
  async #napMs(): Promise<number> {
    const { pollIntervalMs, concurrency } = this.#parts.configuration;
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
    return due === null ? limitMs : Math.min(limitMs, Math.max(OVERDUE_PAUSE_MS, Number(due)));
  }
}

const subjectOf = (lane: Lane) => ({ table: lane.tables.resource.name });

const EXPLANATIONS = {
  stale: 'a newer revision had arrived; it is next',
  lost: 'the attempt had been given to another worker; what it reported does not count',
} as const;
