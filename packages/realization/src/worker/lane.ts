import type { DataStoreInternals } from '@intendant/core/internal';
import type { Logger } from 'pino';
import type { ClaimedJob, ClaimRequest } from '../job/claim.ts';
import { queueName } from '../job/job-key.ts';
import { hasLostRace, type JobQueue } from '../job/job-queue.ts';
import { refuseJobs } from '../job/reschedule.ts';
import type { StatusTables } from '../resource/status-tables.ts';
import type { AttemptSetting } from './attempt.ts';
import {
  type Beginning,
  type Begun,
  type BegunAttempt,
  beginAttempts,
  claimAndBegin,
  isReadable,
} from './begin-attempts.ts';
import { finishAttempts } from './finish-attempts.ts';
import { type FailedAttempt, type Outcome, rescheduleAttempts } from './reschedule-attempts.ts';
import { type Settled, Settler } from './settler.ts';
import { tenantByTenant } from './tenant-by-tenant.ts';

/** One claim in this many prefers background jobs that have waited for a long time. */
const BACKGROUND_EVERY = 4;

export interface LaneParts {
  readonly store: DataStoreInternals;
  readonly jobQueue: JobQueue;
  readonly tables: StatusTables;
  readonly enforcementPoint: string;
  readonly setting: AttemptSetting;
  readonly logger: Logger;
}

/** A lane: one table at a worker's point, with its queue of jobs, the tenant that the last claim ended with, and the writer of results. */
export class Lane {
  readonly tables: StatusTables;
  readonly queue: string;
  readonly setting: AttemptSetting;
  readonly #jobQueue: JobQueue;
  readonly #logger: Logger;
  readonly #beginning: Beginning;
  readonly #finished: Settler<BegunAttempt>;
  readonly #rescheduled: Settler<FailedAttempt>;
  #afterTenant: string | null = null;
  #askedAt = 0;
  #claims = 0;

  constructor({ store, jobQueue, tables, enforcementPoint, setting, logger }: LaneParts) {
    this.tables = tables;
    this.queue = queueName(tables.resource.schemaName, tables.resource.name, enforcementPoint);
    this.setting = setting;
    this.#jobQueue = jobQueue;
    this.#logger = logger;
    this.#beginning = { store, tables, enforcementPoint, attemptLimit: setting.retry.limit };
    this.#finished = new Settler(
      (attempts) =>
        tenantByTenant(
          attempts,
          ({ job }) => job.tenant,
          (own) => finishAttempts(store.executor, tables, enforcementPoint, own),
          'contended',
        ),
      logger,
    );
    this.#rescheduled = new Settler(
      (attempts) =>
        tenantByTenant<FailedAttempt, Settled | 'contended'>(
          attempts,
          ({ attempt }) => attempt.job.tenant,
          (own) => rescheduleAttempts(store, tables, enforcementPoint, own),
          'contended',
        ),
      logger,
    );
  }

  /** Claims up to this many jobs that are due, from the tenants in turn, and begins them in the same exchange. */
  async claimAndBegin(limit: number): Promise<Begun & { readonly jobs: readonly ClaimedJob[] }> {
    const taken = await claimAndBegin(this.#beginning, this.queue, this.#nextRequest(limit));
    this.#noteTurn(taken.jobs);
    return taken;
  }

  /** Claims jobs without beginning them. */
  async claim(limit: number): Promise<readonly ClaimedJob[]> {
    const jobs = await this.#jobQueue.claim(this.queue, this.#nextRequest(limit));
    this.#noteTurn(jobs);
    return jobs;
  }

  /**
   * Begins the attempts of claimed jobs. A job that does not name a resource is refused, and does not stop the others:
   * tools of pg-boss can send a job with any data.
   */
  async begin(jobs: readonly ClaimedJob[]): Promise<Begun> {
    const readable = jobs.filter((job) => isReadable(this.tables, job));
    const refused = jobs.filter((job) => !readable.includes(job));
    if (refused.length > 0) await this.#refuse(refused);
    if (readable.length === 0) return { attempts: [], contended: [], refused };
    const begun = await this.#beginReadable(readable);
    return { ...begun, refused: [...refused, ...(begun.refused ?? [])] };
  }

  /** If a value cannot be stored in a column of the key, each job is begun alone, to find out which job has it. */
  async #beginReadable(jobs: readonly ClaimedJob[]): Promise<Begun> {
    try {
      return await this.#beginTogether(jobs);
    } catch (error) {
      if (!isOfOneJob(error)) throw error;
      return jobs.length > 1 ? this.#beginEach(jobs) : this.#refuse(jobs, error);
    }
  }

  async #beginEach(jobs: readonly ClaimedJob[]): Promise<Begun> {
    const begun: Begun[] = [];
    for (const job of jobs) begun.push(await this.#beginReadable([job]));
    return {
      attempts: begun.flatMap(({ attempts }) => attempts),
      contended: begun.flatMap(({ contended }) => contended),
      refused: begun.flatMap(({ refused = [] }) => refused),
    };
  }

  async #refuse(jobs: readonly ClaimedJob[], error?: unknown): Promise<Begun> {
    await this.#jobQueue.run({ refuse: refuseJobs(this.queue, jobs) });
    const ids = jobs.map(({ id }) => id);
    this.#logger.warn(
      { table: this.tables.resource.name, queue: this.queue, jobs: ids, err: error },
      'jobs that do not name a resource of the table were cancelled',
    );
    return { attempts: [], contended: [], refused: jobs };
  }

  /** Jobs whose node cannot be reached are contended: they are tried again. */
  async #beginTogether(jobs: readonly ClaimedJob[]): Promise<Begun> {
    const begun = await tenantByTenant(
      jobs,
      ({ tenant }) => tenant,
      (own) => this.#beginOf(own),
      undefined,
    );
    return {
      attempts: begun.filter((attempt) => attempt !== undefined),
      contended: jobs.filter((_, index) => begun[index] === undefined),
    };
  }

  /** The attempt of each job; undefined for one that is contended. */
  async #beginOf(jobs: readonly ClaimedJob[]): Promise<readonly (BegunAttempt | undefined)[]> {
    const { attempts } = await beginAttempts(this.#beginning, jobs);
    const byJob = new Map(attempts.map((attempt) => [attempt.job, attempt]));
    return jobs.map((job) => byJob.get(job));
  }

  /** When the last claim was sent, in milliseconds of `performance.now()`. Leases of its jobs begin then or later. */
  get askedAt(): number {
    return this.#askedAt;
  }

  #nextRequest(limit: number): ClaimRequest {
    this.#askedAt = performance.now();
    const isBackgroundFirst = this.#claims++ % BACKGROUND_EVERY === BACKGROUND_EVERY - 1;
    return { limit, afterTenant: this.#afterTenant, isBackgroundFirst };
  }

  #noteTurn(jobs: readonly ClaimedJob[]): void {
    this.#afterTenant = jobs.at(-1)?.tenant ?? this.#afterTenant;
  }

  /** Writes the result of an attempt. Resolves when it is stored. */
  settle(attempt: BegunAttempt, outcome: Outcome): Promise<Settled> {
    return outcome.kind === 'done' ? this.#finished.settle(attempt) : this.#rescheduled.settle({ attempt, outcome });
  }

  abandon(): void {
    this.#finished.abandon();
    this.#rescheduled.abandon();
  }
}

/** A value has the wrong form for its column, or violates a constraint: other jobs of the set are not concerned. */
const isOfOneJob = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && /^2[23]...$/.test(String(error.code)) && !hasLostRace(error);
