import type { DataStoreInternals } from '@intendant/core/internal';
import type { Logger } from 'pino';
import { queueName } from '../job/job-key.ts';
import type { ClaimedJob, JobQueue } from '../job/job-queue.ts';
import type { StatusTables } from '../resource/status-tables.ts';
import type { AttemptSetting } from './attempt.ts';
import type { BegunAttempt } from './begin-attempts.ts';
import { finishAttempts } from './finish-attempts.ts';
import { type Outcome, type SetBackAttempt, setAttemptsBack } from './set-attempts-back.ts';
import { type Settled, Settler } from './settler.ts';

/** One claim in so many lets background work that has waited for long go first. */
const BACKGROUND_EVERY = 4;

export interface LaneParts {
  readonly store: DataStoreInternals;
  readonly jobQueue: JobQueue;
  readonly tables: StatusTables;
  readonly enforcementPoint: string;
  readonly setting: AttemptSetting;
  readonly logger: Logger;
}

/** One table at a worker's point: the queue its jobs come from, whose turn it is there, and where reports go. */
export class Lane {
  readonly tables: StatusTables;
  readonly queue: string;
  readonly setting: AttemptSetting;
  readonly #jobQueue: JobQueue;
  readonly #finished: Settler<BegunAttempt>;
  readonly #setBack: Settler<SetBackAttempt>;
  #afterTenant: string | null = null;
  #claims = 0;

  constructor({ store, jobQueue, tables, enforcementPoint, setting, logger }: LaneParts) {
    this.tables = tables;
    this.queue = queueName(tables.resource.schemaName, tables.resource.name, enforcementPoint);
    this.setting = setting;
    this.#jobQueue = jobQueue;
    this.#finished = new Settler((attempts) => finishAttempts(store, tables, enforcementPoint, attempts), logger);
    this.#setBack = new Settler((attempts) => setAttemptsBack(store, tables, enforcementPoint, attempts), logger);
  }

  /** Up to this many jobs that are due, in turns over the tenants. */
  async claim(limit: number): Promise<ClaimedJob[]> {
    const favoursBackground = this.#claims++ % BACKGROUND_EVERY === BACKGROUND_EVERY - 1;
    const jobs = await this.#jobQueue.claim(this.queue, { limit, afterTenant: this.#afterTenant, favoursBackground });
    this.#afterTenant = jobs.at(-1)?.tenant ?? this.#afterTenant;
    return jobs;
  }

  /** Resolves once the outcome is written. */
  settle(attempt: BegunAttempt, outcome: Outcome): Promise<Settled> {
    return outcome.kind === 'done'
      ? this.#finished.settle(attempt)
      : this.#setBack.settle({ attempt, setback: outcome });
  }

  abandon(): void {
    this.#finished.abandon();
    this.#setBack.abandon();
  }
}
