import type { WireValue } from '@intendant/core/internal';
import type pg from 'pg';
import { type Db, PgBoss } from 'pg-boss';
import type { Logger } from 'pino';
import type { Identity } from '../status/identity-set.ts';
import { JOBS_SCHEMA } from './job-functions.ts';

/** A job this process has claimed. */
export interface ClaimedJob {
  readonly id: string;
  /** Names the attempt: a claim that lapsed and was made anew has a higher one. */
  readonly retryCount: number;
  readonly queue: string;
  readonly identity: Identity;
}

/**
 * pg-boss, without its own workers, timers and DDL: it runs on the store's pool, as the login. What it brings is the
 * table, the policy that keeps one job waiting and one running for a key, the claim, the fence on the attempt, and the
 * tools that people know.
 */
export class JobQueue {
  readonly #boss: PgBoss;
  readonly #logger: Logger;
  #starting: Promise<unknown> | undefined;

  constructor(pool: pg.Pool, logger: Logger) {
    this.#logger = logger;
    this.#boss = new PgBoss({
      db: { executeSql: (text: string, values?: unknown[]) => pool.query(text, values) },
      schema: JOBS_SCHEMA,
      migrate: false,
      createSchema: false,
      supervise: false,
      schedule: false,
      registerInstance: false,
      monitorVacuum: false,
      reindex: false,
      queueCacheIntervalSeconds: 3600,
      openTelemetry: { enabled: false },
    });
    this.#boss.on('error', (error) => this.#logger.error({ err: error }, 'the job queue failed'));
  }

  /** Checks that the tables are there. Once is enough. */
  start(): Promise<unknown> {
    this.#starting ??= this.#boss.start().catch((error: unknown) => {
      this.#starting = undefined;
      throw error;
    });
    return this.#starting;
  }

  async stop(): Promise<void> {
    if (this.#starting === undefined) return;
    await this.#starting.catch(() => undefined);
    await this.#boss.stop({ graceful: false, close: false });
    this.#starting = undefined;
  }

  /** Claims up to this many jobs that are due. None when the queue does not exist yet. */
  async claim(queue: string, limit: number): Promise<ClaimedJob[]> {
    await this.start();
    try {
      const jobs = await this.#boss.fetch<{ identity: WireValue[] }>(queue, { batchSize: limit });
      return jobs.map(({ id, retryCount, data }) => ({ id, retryCount, queue, identity: data.identity }));
    } catch (error) {
      if ((error as { code?: string }).code === QUEUE_NOT_FOUND) return [];
      throw error;
    }
  }

  /** Takes these jobs off the queue, in the transaction that `db` runs in. Answers the ids of those that were still this claim's. */
  async remove(queue: string, jobs: readonly ClaimedJob[], db: Db): Promise<Set<string>> {
    if (jobs.length === 0) return new Set();
    const { settled } = (await this.#boss.deleteJob(queue, [...jobs], { db })) as { settled?: string[] };
    return new Set(settled);
  }

  /** Says that these jobs are still being worked on. Answers the ids of those that were still this claim's. */
  async renew(queue: string, jobs: readonly ClaimedJob[], db?: Db): Promise<Set<string>> {
    if (jobs.length === 0) return new Set();
    const { settled } = (await this.#boss.touch(queue, [...jobs], db ? { db } : {})) as { settled?: string[] };
    return new Set(settled);
  }
}

const QUEUE_NOT_FOUND = 'PGBOSS_QUEUE_NOT_FOUND';
