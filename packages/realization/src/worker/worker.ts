import type { DataStoreInternals } from '@intendant/core/internal';
import type { Logger } from 'pino';
import { Bell } from '../bell.ts';
import { DutyRound } from '../caretaker/duty.ts';
import type { ChangeFeed } from '../change-feed.ts';
import { DriftWatch } from '../drift/drift-watch.ts';
import type { ClaimedJob, JobQueue } from '../job/job-queue.ts';
import { nextDueJob } from '../job/reschedule.ts';
import { SERVICE_SCOPE } from '../job/service-scope.ts';
import { sweepDuty } from '../job/sweep-duty.ts';
import { writeMarks } from '../status/marks.ts';
import { POINT_COLUMN, type StatusTables } from '../status/status-tables.ts';
import { Admission } from './admission.ts';
import { AttemptAborted, type AttemptSetting, runAttempt } from './attempt.ts';
import { type BegunAttempt, beginAttempts } from './begin-attempts.ts';
import { type Claim, Claims } from './claims.ts';
import type { TableHandlers } from './handler.ts';
import { Lane } from './lane.ts';
import { LeaseKeeper } from './lease-keeper.ts';
import { NewerRevisions } from './newer-revisions.ts';
import type { WorkerConfiguration } from './worker-options.ts';

/*
 * A worker claims, begins, runs and settles: four steps, each in sets, none waiting for another's set. One loop claims
 * and begins while there is room; attempts run by themselves; settlers write what they report. The loop sleeps only when
 * a claim came back empty or there is no room, and is woken by the feed, by an attempt that ended, by the next job that
 * comes due, and by the lease keeper when it freed something.
 */

export interface WorkerParts {
  readonly store: DataStoreInternals;
  readonly jobQueue: JobQueue;
  readonly feed: ChangeFeed;
  readonly logger: Logger;
  statusTables(handlers: TableHandlers): StatusTables;
  /** Tells the realization that the point is being served. Answers how to take that back. */
  enter(configuration: WorkerConfiguration): Promise<Stop>;
}

const MAX_CLAIMED_TOGETHER = 500;
const CONTENDED_PAUSE_MS = 10;
const CONTENDED_LIMIT_MS = 250;
const FAILURE_PAUSE_MIN_MS = 100;
const FAILURE_PAUSE_MAX_MS = 5000;
/** A due job that a claim did not get: somebody else's claim was in the way for a moment. */
const OVERDUE_PAUSE_MS = 20;
const ABORT_GRACE_MS = 1000;

/** Something in the background that the worker starts and stops with itself. */
type Stop = () => unknown;

/** Realizes intents at one enforcement point. Start and stop may be called in any order and more than once. */
export class Worker implements AsyncDisposable {
  readonly #parts: WorkerParts;
  readonly #configuration: WorkerConfiguration;
  readonly #logger: Logger;
  readonly #bell = new Bell();
  readonly #claims = new Claims();
  #admission: Admission;
  readonly #drift: DriftWatch;
  #lanes: Lane[] = [];
  #contended: Claim[] = [];
  #starting: Promise<void> | undefined;
  #running: Promise<void> | undefined;
  #isStopping = false;
  #stopped: Promise<void> | undefined;
  #stops: Stop[] = [];
  #turn = 0;

  /** @internal */
  constructor(parts: WorkerParts, configuration: WorkerConfiguration) {
    this.#parts = parts;
    this.#configuration = configuration;
    this.#logger = parts.logger.child({ enforcementPoint: configuration.enforcementPoint });
    this.#admission = new Admission(configuration, this.#logger);
    this.#drift = new DriftWatch({
      store: parts.store,
      logger: this.#logger,
      enforcementPoint: configuration.enforcementPoint,
      everyMs: configuration.resyncEveryMs,
      tables: () => this.#lanes.filter(({ setting }) => setting.handlers.observe).map(({ tables }) => tables),
    });
  }

  /** How many attempts are under way, waiting for their turn to begin or to be written included. */
  get inFlight(): number {
    return this.#claims.size;
  }

  /** Resolves when the worker takes jobs. Throws TableNotRegisteredError for handlers of a table that isn't. */
  start(): Promise<void> {
    this.#starting ??= this.#start();
    return this.#starting;
  }

  /** Takes no more jobs, lets attempts finish for a while, then aborts them and hands their jobs back. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #start(): Promise<void> {
    await this.#stopped;
    this.#isStopping = false;
    this.#stopped = undefined;
    try {
      this.#lanes = this.#configuration.handlers.map((handlers) => this.#makeLane(handlers));
      await this.#listen();
      await this.#keepLeases();
      for (const { tables } of this.#lanes) this.#sweep(tables);
      this.#stops.push(await this.#parts.enter(this.#configuration));
      this.#stops.push(() => this.#drift.stop());
      await this.#drift.start();
    } catch (error) {
      await this.#stopParts();
      this.#starting = undefined;
      throw error;
    }
    this.#running = this.#run();
  }

  async #stop(): Promise<void> {
    await this.#starting?.catch(() => undefined);
    this.#isStopping = true;
    this.#bell.ring();
    await this.#running;
    this.#handBack(this.#contended.splice(0));
    await this.#drained(this.#configuration.stopTimeoutMs);
    for (const { controller } of this.#claims.all())
      controller.abort(new AttemptAborted('stopping', 'the worker is stopping'));
    await this.#drained(ABORT_GRACE_MS);
    for (const lane of this.#lanes) lane.abandon();
    if (this.#claims.size > 0) {
      this.#logger.warn(
        { attempts: this.#claims.size },
        'handlers did not return; their jobs are free when the leases lapse',
      );
    }
    this.#claims.clear();
    await this.#stopParts();
    this.#running = undefined;
    this.#starting = undefined;
  }

  async #stopParts(): Promise<void> {
    for (const stop of this.#stops.splice(0).toReversed()) await stop();
  }

  async #drained(timeoutMs: number): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    while (this.#claims.size > 0 && Date.now() < deadline) await this.#bell.wait(deadline - Date.now());
  }

  async #run(): Promise<void> {
    for (let failures = 0; !this.#isStopping; ) {
      try {
        const isBusy = await this.#takeMore();
        failures = 0;
        if (!isBusy && !this.#isStopping) await this.#bell.wait(await this.#napMs());
      } catch (error) {
        if (failures === 0) this.#logger.warn({ err: error }, 'jobs could not be claimed; trying again');
        await this.#bell.wait(Math.min(FAILURE_PAUSE_MAX_MS, FAILURE_PAUSE_MIN_MS * 2 ** failures++));
      }
    }
  }

  /** Claims and begins for every lane, as far as there is room. Answers whether there may be more. */
  async #takeMore(): Promise<boolean> {
    await this.#beginContended();
    let isBusy = false;
    this.#turn++;
    for (let index = 0; index < this.#lanes.length; index++) {
      const lane = this.#lanes[(index + this.#turn) % this.#lanes.length] as Lane;
      const room = this.#room();
      if (room <= 0) return false;
      const jobs = await lane.claim(room);
      isBusy ||= jobs.length > 0;
      await this.#begin(lane, this.#claim(lane, jobs));
    }
    return isBusy;
  }

  #room(): number {
    const free = Math.min(this.#configuration.concurrency - this.#claims.running, this.#admission.room());
    return Math.floor(Math.min(free, MAX_CLAIMED_TOGETHER - this.#claims.ended));
  }

  /** A resource whose earlier attempt still runs here, though its lease was lost, is not begun a second time. */
  #claim(lane: Lane, jobs: readonly ClaimedJob[]): Claim[] {
    this.#admission.take(jobs.length);
    return jobs.flatMap((job) => {
      const claim = this.#claims.add(lane, job);
      if (claim) return claim;
      void this.#giveBack(lane, job).then(() => this.#bell.ring());
      return [];
    });
  }

  /** What stays locked is given back, so that it takes no room from others. */
  async #beginContended(): Promise<void> {
    const longAgo = Date.now() - CONTENDED_LIMIT_MS;
    const contended = this.#contended.filter(({ claimedAt }) => claimedAt > longAgo);
    this.#handBack(this.#contended.filter(({ claimedAt }) => claimedAt <= longAgo));
    this.#contended = [];
    for (const [lane, claims] of Map.groupBy(contended, (claim) => claim.lane)) await this.#begin(lane, claims);
  }

  async #begin(lane: Lane, claims: readonly Claim[]): Promise<void> {
    if (claims.length === 0) return;
    const byJob = new Map(claims.map((claim) => [claim.job, claim]));
    const { store } = this.#parts;
    const { enforcementPoint } = this.#configuration;
    try {
      const begun = await beginAttempts(store.executor, lane.tables, enforcementPoint, [...byJob.keys()]);
      for (const attempt of begun.attempts) void this.#attempt(byJob.get(attempt.job) as Claim, attempt);
      this.#contended.push(...begun.contended.map((job) => byJob.get(job) as Claim));
    } catch (error) {
      this.#contended.push(...claims);
      throw error;
    }
  }

  async #attempt(claim: Claim, attempt: BegunAttempt): Promise<void> {
    claim.attempt = attempt;
    const outcome = await runAttempt(claim.lane.setting, attempt, claim.controller);
    this.#claims.end(claim);
    this.#admission.ended(outcome, attempt.action === 'realize' || attempt.action === 'unrealize');
    this.#bell.ring();
    const settled = await claim.lane.settle(attempt, outcome);
    if (settled !== 'settled') {
      this.#logger.info(
        { table: claim.lane.tables.resource.name, identity: attempt.job.identity, revision: attempt.revision },
        EXPLANATIONS[settled],
      );
    }
    this.#claims.remove(claim);
    this.#bell.ring();
  }

  #handBack(claims: readonly Claim[]): void {
    for (const claim of claims) {
      this.#claims.end(claim);
      void this.#giveBack(claim.lane, claim.job).then(() => {
        this.#claims.remove(claim);
        this.#bell.ring();
      });
    }
  }

  #giveBack(lane: Lane, job: ClaimedJob): Promise<unknown> {
    const attempt: BegunAttempt = { job, action: 'nothing', record: null, revision: 0, isTracked: false };
    const outcome = { kind: 'handed-back', retryInMs: CONTENDED_LIMIT_MS } as const;
    this.#admission.ended(outcome, false);
    return lane.settle(attempt, outcome);
  }

  /** How long nothing is going to be due, as far as is known. */
  async #napMs(): Promise<number> {
    const { pollIntervalMs, concurrency } = this.#configuration;
    if (this.#contended.length > 0) return CONTENDED_PAUSE_MS;
    if (this.#claims.running >= concurrency) return pollIntervalMs;
    if (this.#room() <= 0) return Math.max(1, this.#admission.waitMs(pollIntervalMs));
    const [answer] = await this.#parts.jobQueue.run([nextDueJob(this.#lanes.map(({ queue }) => queue))]);
    const due = answer?.rows[0]?.[0] ?? null;
    return due === null ? pollIntervalMs : Math.min(pollIntervalMs, Math.max(OVERDUE_PAUSE_MS, Number(due)));
  }

  #makeLane(handlers: TableHandlers): Lane {
    const { store, jobQueue } = this.#parts;
    const { enforcementPoint, retry, attemptTimeoutMs, abandonAfterMs } = this.#configuration;
    const tables = this.#parts.statusTables(handlers);
    const setting: AttemptSetting = {
      store,
      tables,
      handlers: handlers.handlers,
      enforcementPoint,
      retry,
      timeoutMs: attemptTimeoutMs,
      abandonAfterMs,
      logger: this.#logger,
      onObserved: (attempt, observation) => this.#drift.observed(tables, attempt, observation),
      onOverrun: (attempt, message) => void this.#markOverrun(tables, attempt, message),
    };
    return new Lane({ store, jobQueue, tables, enforcementPoint, setting, logger: this.#logger });
  }

  async #markOverrun(tables: StatusTables, attempt: BegunAttempt, message: string): Promise<void> {
    if (!attempt.isTracked || attempt.action === 'observe') return;
    const mark = {
      identity: attempt.job.identity,
      revision: attempt.revision,
      enforcementPoint: this.#configuration.enforcementPoint,
      status: 'ERROR',
      isRemoval: attempt.action === 'unrealize',
      message,
    } as const;
    await writeMarks(this.#parts.store.executor, SERVICE_SCOPE, tables, [mark]).catch((error: unknown) =>
      this.#logger.warn({ err: error }, 'that a handler overran could not be marked'),
    );
  }

  /** Rings for whatever changed at this point; and aborts attempts at old revisions, if that is wanted. */
  async #listen(): Promise<void> {
    const { feed, store } = this.#parts;
    const { enforcementPoint, abortOnNewerRevision } = this.#configuration;
    const statuses = this.#lanes.map(({ tables }) => tables.enforcement.name);
    this.#stops.push(
      await feed.watch(statuses, (key) => {
        if (key === undefined || key[POINT_COLUMN] === enforcementPoint) this.#bell.ring();
      }),
    );
    if (!abortOnNewerRevision) return;
    for (const { tables } of this.#lanes) {
      const newer = new NewerRevisions(store.executor, tables, this.#claims, this.#logger);
      this.#stops.push(await feed.watch([tables.resource.name], () => newer.look()));
    }
  }

  async #keepLeases(): Promise<void> {
    const { store, jobQueue } = this.#parts;
    const leases = new LeaseKeeper({
      pool: store.pool,
      jobQueue,
      queues: this.#lanes.map(({ queue }) => queue),
      leaseMs: this.#configuration.leaseMs,
      logger: this.#logger,
      claimed: () => this.#claims.all().map(({ job }) => job),
      onLost: (job) => this.#lose(job),
      onFreed: () => this.#bell.ring(),
    });
    leases.start();
    this.#stops.push(() => leases.stop());
    await leases.look();
  }

  #sweep(tables: StatusTables): void {
    const { sweepIntervalMs } = this.#configuration;
    const duty = sweepDuty(this.#parts.store, tables, sweepIntervalMs, this.#logger, () => this.#bell.ring());
    const sweeping = new DutyRound(duty, this.#logger);
    sweeping.start();
    this.#stops.push(() => sweeping.stop());
  }

  #lose(job: ClaimedJob): void {
    const claim = this.#claims.of(job);
    if (!claim || claim.hasEnded || claim.controller.signal.aborted) return;
    this.#logger.warn(
      { identity: job.identity },
      'the lease of an attempt was lost; it is aborted, and what it reports will not count',
    );
    claim.controller.abort(new AttemptAborted('lease-lost', 'the lease was lost'));
  }
}

const EXPLANATIONS = {
  stale: 'a newer revision had arrived; it is next',
  lost: 'the attempt had been given to another worker; what it reported does not count',
} as const;
