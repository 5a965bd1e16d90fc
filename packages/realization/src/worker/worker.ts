import { setTimeout as delay } from 'node:timers/promises';
import type { DataStoreInternals, Statement } from '@intendant/core/internal';
import type { Logger } from 'pino';
import { Bell } from '../bell.ts';
import { queueName } from '../job/job-key.ts';
import type { ClaimedJob, JobQueue } from '../job/job-queue.ts';
import { nextDueJob } from '../job/reschedule.ts';
import { writeMarks } from '../status/marks.ts';
import type { StatusTables } from '../status/status-tables.ts';
import { AttemptAborted, type AttemptSetting, runAttempt } from './attempt.ts';
import { type BegunAttempt, beginAttempts } from './begin-attempts.ts';
import type { TableHandlers } from './handler.ts';
import { LeaseKeeper } from './lease-keeper.ts';
import { SERVICE_SCOPE } from './service-scope.ts';
import { settleAttempts } from './settle-attempts.ts';
import { Settler } from './settler.ts';
import type { WorkerConfiguration } from './worker-options.ts';

/*
 * A worker claims, begins, runs and settles: four steps, each in sets, none waiting for another's set. One loop claims
 * and begins while there is room; attempts run by themselves; a settler for each queue writes what they report. The loop
 * sleeps only when a claim came back empty or there is no room, and is woken by the feed, by an attempt that ended, by
 * the next job that comes due, and by the lease keeper when it freed something.
 */

export interface WorkerParts {
  readonly store: DataStoreInternals;
  readonly jobQueue: JobQueue;
  readonly logger: Logger;
  statusTables(handlers: TableHandlers): StatusTables;
  /** Rings whenever rows of these tables changed at this point. Answers how to stop it. */
  watch(tables: readonly StatusTables[], enforcementPoint: string, wake: () => void): Promise<() => Promise<void>>;
}

interface Lane {
  readonly tables: StatusTables;
  readonly queue: string;
  readonly setting: AttemptSetting;
  readonly settler: Settler;
}

interface Claim {
  readonly job: ClaimedJob;
  readonly lane: Lane;
  readonly controller: AbortController;
  readonly claimedAt: number;
  /** The handler has returned, and what it reports is being written. */
  hasEnded: boolean;
}

const MAX_CLAIMED_TOGETHER = 500;
const CONTENDED_PAUSE_MS = 10;
const CONTENDED_LIMIT_MS = 250;
const FAILURE_PAUSE_MIN_MS = 100;
const FAILURE_PAUSE_MAX_MS = 5000;
/** A due job that a claim did not get: somebody else's claim was in the way for a moment. */
const OVERDUE_PAUSE_MS = 20;
const ABORT_GRACE_MS = 1000;

/** Realizes intents at one enforcement point. Start and stop may be called in any order and more than once. */
export class Worker implements AsyncDisposable {
  readonly #parts: WorkerParts;
  readonly #configuration: WorkerConfiguration;
  readonly #logger: Logger;
  readonly #bell = new Bell();
  readonly #claims = new Map<string, Claim>();
  #lanes: Lane[] = [];
  #contended: Claim[] = [];
  #running: Promise<void> | undefined;
  #isStopping = false;
  #stopped: Promise<void> | undefined;
  #unwatch: (() => Promise<void>) | undefined;
  #leases: LeaseKeeper | undefined;
  #turn = 0;

  /** @internal */
  constructor(parts: WorkerParts, configuration: WorkerConfiguration) {
    this.#parts = parts;
    this.#configuration = configuration;
    this.#logger = parts.logger.child({ enforcementPoint: configuration.enforcementPoint });
  }

  /** How many attempts are under way, waiting for their turn to begin or to be written included. */
  get inFlight(): number {
    return this.#claims.size;
  }

  /** Resolves when the worker takes jobs. Throws TableNotRegisteredError for handlers of a table that isn't. */
  async start(): Promise<void> {
    if (this.#running) return;
    this.#isStopping = false;
    this.#stopped = undefined;
    this.#lanes = this.#configuration.handlers.map((handlers) => this.#makeLane(handlers));
    await this.#parts.jobQueue.start();
    this.#unwatch = await this.#parts.watch(
      this.#lanes.map(({ tables }) => tables),
      this.#configuration.enforcementPoint,
      () => this.#bell.ring(),
    );
    this.#leases = this.#makeLeaseKeeper();
    this.#leases.start();
    await this.#leases.look();
    this.#running = this.#run();
  }

  /** Takes no more jobs, lets attempts finish for a while, then aborts them and hands their jobs back. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #stop(): Promise<void> {
    this.#isStopping = true;
    this.#bell.ring();
    await this.#running;
    this.#handBack(this.#contended.splice(0));
    await this.#drained(this.#configuration.stopTimeoutMs);
    for (const { controller } of this.#claims.values())
      controller.abort(new AttemptAborted('stopping', 'the worker is stopping'));
    await this.#drained(ABORT_GRACE_MS);
    for (const { settler } of this.#lanes) settler.abandon();
    if (this.#claims.size > 0) {
      this.#logger.warn(
        { attempts: this.#claims.size },
        'handlers did not return; their jobs are free when the leases lapse',
      );
    }
    this.#claims.clear();
    await this.#leases?.stop();
    await this.#unwatch?.();
    this.#running = undefined;
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
        await delay(Math.min(FAILURE_PAUSE_MAX_MS, FAILURE_PAUSE_MIN_MS * 2 ** failures++));
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
      const room = Math.min(MAX_CLAIMED_TOGETHER, this.#configuration.concurrency - this.#claims.size);
      if (room <= 0) return false;
      const jobs = await this.#parts.jobQueue.claim(lane.queue, room);
      isBusy ||= jobs.length > 0;
      await this.#begin(
        lane,
        jobs.map((job) => this.#claim(lane, job)),
      );
    }
    return isBusy;
  }

  #claim(lane: Lane, job: ClaimedJob): Claim {
    const claim = { job, lane, controller: new AbortController(), claimedAt: Date.now(), hasEnded: false };
    this.#claims.set(job.id, claim);
    return claim;
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
    try {
      const jobs = claims.map(({ job }) => job);
      const begun = await beginAttempts(
        this.#parts.store.executor,
        lane.tables,
        this.#configuration.enforcementPoint,
        jobs,
      );
      for (const attempt of begun.attempts) void this.#attempt(byJob.get(attempt.job) as Claim, attempt);
      this.#contended.push(...begun.contended.map((job) => byJob.get(job) as Claim));
    } catch (error) {
      this.#contended.push(...claims);
      throw error;
    }
  }

  async #attempt(claim: Claim, attempt: BegunAttempt): Promise<void> {
    const outcome = await runAttempt(claim.lane.setting, attempt, claim.controller);
    claim.hasEnded = true;
    const settled = await claim.lane.settler.settle({ attempt, outcome });
    if (settled !== 'settled') {
      this.#logger.info(
        { table: claim.lane.tables.resource.name, identity: attempt.job.identity, revision: attempt.revision },
        EXPLANATIONS[settled],
      );
    }
    if (this.#claims.get(claim.job.id) === claim) this.#claims.delete(claim.job.id);
    this.#bell.ring();
  }

  #handBack(claims: readonly Claim[]): void {
    for (const claim of claims) {
      claim.hasEnded = true;
      const attempt: BegunAttempt = { job: claim.job, action: 'nothing', record: null, revision: 0, isTracked: false };
      void claim.lane.settler
        .settle({ attempt, outcome: { kind: 'handed-back', retryInMs: CONTENDED_LIMIT_MS } })
        .then(() => {
          this.#claims.delete(claim.job.id);
          this.#bell.ring();
        });
    }
  }

  /** How long nothing is going to be due, as far as is known. */
  async #napMs(): Promise<number> {
    const { pollIntervalMs, concurrency } = this.#configuration;
    if (this.#contended.length > 0) return CONTENDED_PAUSE_MS;
    if (this.#claims.size >= concurrency) return pollIntervalMs;
    const statement = nextDueJob(this.#lanes.map(({ queue }) => queue));
    const due = await this.#ask(statement);
    return due === null ? pollIntervalMs : Math.min(pollIntervalMs, Math.max(OVERDUE_PAUSE_MS, Number(due)));
  }

  async #ask({ text, values = [] }: Statement): Promise<string | null> {
    const { rows } = await this.#parts.store.pool.query({ text, values: [...values], rowMode: 'array' });
    return rows[0]?.[0] ?? null;
  }

  #makeLane(handlers: TableHandlers): Lane {
    const { store, jobQueue } = this.#parts;
    const { enforcementPoint, retry, attemptTimeoutMs } = this.#configuration;
    const tables = this.#parts.statusTables(handlers);
    const setting: AttemptSetting = {
      store,
      tables,
      handlers: handlers.handlers,
      enforcementPoint,
      retry,
      timeoutMs: attemptTimeoutMs,
      logger: this.#logger,
      onOverrun: (attempt, message) => void this.#markOverrun(tables, attempt, message),
    };
    return {
      tables,
      queue: queueName(tables.resource.schemaName, tables.resource.name, enforcementPoint),
      setting,
      settler: new Settler((ended) => settleAttempts(store, jobQueue, tables, enforcementPoint, ended), this.#logger),
    };
  }

  async #markOverrun(tables: StatusTables, attempt: BegunAttempt, message: string): Promise<void> {
    if (!attempt.isTracked) return;
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

  #makeLeaseKeeper(): LeaseKeeper {
    const jobs = this.#claims;
    const { store, jobQueue } = this.#parts;
    return new LeaseKeeper({
      pool: store.pool,
      jobQueue,
      queues: this.#lanes.map(({ queue }) => queue),
      leaseMs: this.#configuration.leaseMs,
      logger: this.#logger,
      claimed: () => [...jobs.values()].map(({ job }) => job),
      onLost: (job) => this.#lose(job),
      onFreed: () => this.#bell.ring(),
    });
  }

  #lose(job: ClaimedJob): void {
    const claim = this.#claims.get(job.id);
    if (!claim || claim.job !== job || claim.hasEnded || claim.controller.signal.aborted) return;
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
