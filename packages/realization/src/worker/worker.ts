import { Bell, checkOptions, type DataStoreInternals } from '@intendant/core/internal';
import type { Logger } from 'pino';
import type { ChangeFeed } from '../background/change-feed.ts';
import type { ChangedRow } from '../background/changed-row.ts';
import { MaintenanceJobRunner } from '../background/maintenance-job.ts';
import { DriftWatch } from '../drift/drift-watch.ts';
import type { ClaimedJob } from '../job/claim.ts';
import type { JobListener } from '../job/job-listener.ts';
import type { JobQueue } from '../job/job-queue.ts';
import { SERVICE_SCOPE } from '../resource/service-scope.ts';
import { POINT_COLUMN, type StatusTables } from '../resource/status-tables.ts';
import { writeMarks } from '../status/marks.ts';
import type { Status } from '../status/status.ts';
import { sweepJob } from '../sweep/sweep-job.ts';
import { Admission } from './admission.ts';
import { AttemptAborted, type AttemptSetting } from './attempt.ts';
import type { BegunAttempt } from './begin-attempts.ts';
import { ClaimLoop } from './claim-loop.ts';
import { Claims } from './claims.ts';
import { Drain, type DrainedAttempt, type DrainOptions } from './drain.ts';
import type { TableHandlers } from './handler.ts';
import { Lane } from './lane.ts';
import { LeaseKeeper } from './lease-keeper.ts';
import { NewerRevisions } from './newer-revisions.ts';
import type { WorkerConfiguration } from './worker-options.ts';

export interface WorkerParts {
  readonly store: DataStoreInternals;
  readonly jobQueue: JobQueue;
  readonly jobListener: JobListener;
  readonly feed: ChangeFeed;
  readonly logger: Logger;
  statusTables(handlers: TableHandlers): StatusTables;
  /** Reports to the realization that the point is being served. Returns a function that ends this. */
  enter(configuration: WorkerConfiguration): Promise<Stop>;
}

const ABORT_GRACE_MS = 1000;

/** A change to one of these statuses leaves no job. */
const WITHOUT_JOB: ReadonlySet<unknown> = new Set([
  'IN_PROGRESS',
  'REALIZED',
  'DELETION_IN_PROGRESS',
  'DELETION_REALIZED',
] satisfies Status[]);

const mayHaveJob = ({ record }: ChangedRow): boolean => !WITHOUT_JOB.has(record?.['status']);

/** A background part that the worker starts and stops with itself. */
type Stop = () => unknown;

/** Realizes intents at one enforcement point. Start and stop may be called in any order and more than once. */
export class Worker implements AsyncDisposable {
  readonly #parts: WorkerParts;
  readonly #configuration: WorkerConfiguration;
  readonly #logger: Logger;
  readonly #bell = new Bell();
  readonly #claims = new Claims();
  readonly #loop: ClaimLoop;
  readonly #drift: DriftWatch;
  #lanes: Lane[] = [];
  #isWanted = false;
  /** The most recent start or stop; each begins when the previous one has ended. */
  #change: Promise<void> = Promise.resolve();
  #stops: Stop[] = [];
  readonly #drains = new Set<Drain>();

  /** @internal */
  constructor(parts: WorkerParts, configuration: WorkerConfiguration) {
    this.#parts = parts;
    this.#configuration = configuration;
    this.#logger = parts.logger.child({ enforcementPoint: configuration.enforcementPoint });
    this.#loop = new ClaimLoop({
      jobQueue: parts.jobQueue,
      configuration,
      logger: this.#logger,
      claims: this.#claims,
      admission: new Admission(configuration, this.#logger),
      bell: this.#bell,
      isPolled: parts.feed.isPolled,
      onSettled: (lane, attempt, outcome, settled) => {
        for (const drain of this.#drains) drain.settled(lane, attempt, outcome, settled);
      },
    });
    this.#drift = new DriftWatch({
      store: parts.store,
      logger: this.#logger,
      enforcementPoint: configuration.enforcementPoint,
      everyMs: configuration.resyncEveryMs,
      tables: () => this.#lanes.filter(({ setting }) => setting.handlers.observe).map(({ tables }) => tables),
    });
  }

  /** Number of current attempts, including those that wait to begin or to be written. */
  get inFlight(): number {
    return this.#claims.size;
  }

  /** Resolves when the worker claims jobs. Throws TableNotRegisteredError for handlers of a table that is not registered. */
  start(): Promise<void> {
    if (!this.#isWanted) this.#change = this.#afterChange(() => this.#start());
    this.#isWanted = true;
    return this.#change;
  }

  /** Stops claiming jobs, lets attempts finish for a while, then aborts them and hands their jobs back. */
  stop(): Promise<void> {
    const failedStart = () => undefined;
    if (this.#isWanted) this.#change = this.#afterChange(() => this.#stop());
    this.#isWanted = false;
    return this.#change.catch(failedStart);
  }

  /**
   * For tests of handlers: attempts everything that is due now, and what becomes due meanwhile, and returns the
   * attempts in the order in which they ended. Starts the worker and stops it again, unless it is running. It does not
   * wait for later retries of failed attempts; `r.retry` makes them due.
   *
   * ```ts
   * await r.persistIntent(vm, { id: 'VM1', name: 'web', region: 'eu', cpus: 2 }, { enforcementPoints: ['E1'] });
   * const [attempt] = await worker.drain();
   * expect(attempt).toMatchObject({ key: { id: 'VM1' }, action: 'realize', outcome: 'done' });
   * ```
   *
   * Throws OperationCancelledError when the time is over or the signal aborts, and what `start` throws.
   */
  async drain(options: DrainOptions = {}): Promise<DrainedAttempt[]> {
    checkOptions<DrainOptions>('drain', options, { timeoutMs: true, signal: true });
    const isStartedHere = !this.#isWanted;
    const drain = new Drain(this.#parts.jobQueue, this.#claims, () => this.#loop.ring());
    this.#drains.add(drain);
    try {
      await this.start();
      return await drain.run(
        this.#lanes.map(({ queue }) => queue),
        options,
      );
    } finally {
      this.#drains.delete(drain);
      if (isStartedHere) await this.stop();
    }
  }

  #afterChange(run: () => Promise<void>): Promise<void> {
    return this.#change.then(run, run);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #start(): Promise<void> {
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
      this.#isWanted = false;
      throw error;
    }
    this.#loop.start(this.#lanes);
  }

  async #stop(): Promise<void> {
    await this.#loop.stop();
    await this.#drained(this.#configuration.stopTimeoutMs);
    for (const { controller } of this.#claims.all())
      controller.abort(new AttemptAborted('stopping', 'the worker is stopping'));
    await this.#drained(ABORT_GRACE_MS);
    for (const lane of this.#lanes) lane.abandon();
    if (this.#claims.size > 0) {
      this.#logger.warn(
        { attempts: this.#claims.size },
        'handlers did not return; their jobs become available when the leases expire',
      );
    }
    this.#claims.clear();
    await this.#stopParts();
  }

  async #stopParts(): Promise<void> {
    for (const stop of this.#stops.splice(0).toReversed()) await stop();
  }

  async #drained(timeoutMs: number): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    while (this.#claims.size > 0 && performance.now() < deadline) await this.#bell.wait(deadline - performance.now());
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
      this.#logger.warn({ err: error }, 'the time limit of a handler could not be marked'),
    );
  }

  /** Rings for each change at this point, and aborts attempts at old revisions if the options ask for it. */
  async #listen(): Promise<void> {
    const { feed, store } = this.#parts;
    const { enforcementPoint, abortOnNewerRevision } = this.#configuration;
    const statuses = this.#lanes.map(({ tables }) => tables.enforcement.name);
    this.#stops.push(
      await feed.watch(statuses, (change) => {
        if (change === undefined || (change.key[POINT_COLUMN] === enforcementPoint && mayHaveJob(change)))
          this.#loop.ring();
      }),
    );
    for (const { queue } of feed.isPolled ? [] : this.#lanes)
      this.#stops.push(this.#parts.jobListener.watch(queue, () => this.#loop.ring()));
    if (!abortOnNewerRevision) return;
    for (const { tables } of this.#lanes) {
      const newer = new NewerRevisions(store.executor, tables, this.#claims, this.#logger);
      this.#stops.push(await feed.watch([tables.resource.name], () => newer.check()));
    }
  }

  async #keepLeases(): Promise<void> {
    const { jobQueue } = this.#parts;
    const leases = new LeaseKeeper({
      jobQueue,
      queues: this.#lanes.map(({ queue }) => queue),
      leaseMs: this.#configuration.leaseMs,
      logger: this.#logger,
      claimed: () => this.#claims.all(),
      onLost: (job) => this.#handleLostLease(job),
      onFreed: () => this.#loop.ring(),
    });
    leases.start();
    this.#stops.push(() => leases.stop());
  }

  #sweep(tables: StatusTables): void {
    const { sweepIntervalMs } = this.#configuration;
    const job = sweepJob(this.#parts.store, tables, sweepIntervalMs, this.#logger, () => this.#loop.ring());
    const sweeping = new MaintenanceJobRunner(job, this.#logger);
    sweeping.start();
    this.#stops.push(() => sweeping.stop());
  }

  #handleLostLease(job: ClaimedJob): void {
    const claim = this.#claims.of(job);
    if (!claim || claim.hasEnded || claim.controller.signal.aborted) return;
    this.#logger.warn(
      { identity: job.identity },
      'the lease of an attempt was lost; the attempt is aborted, and its result is ignored',
    );
    claim.controller.abort(new AttemptAborted('lease-lost', 'the lease was lost'));
  }
}
