import {
  arrayLiteral,
  type DataStoreInternals,
  type Statement,
  type StatementResult,
  serviceScope,
} from '@intendant/core/internal';
import type { Identity } from '../resource/identity-set.ts';
import { JOBS_SCHEMA } from './job-functions.ts';

/** A job this process has claimed. */
export interface ClaimedJob {
  readonly id: string;
  /** Names the attempt: a claim that lapsed and was made anew has a higher one. */
  readonly retryCount: number;
  readonly queue: string;
  readonly identity: Identity;
  /** The tenant whose turn it was; empty if the table has no tenants. */
  readonly tenant: string;
}

export interface ClaimRequest {
  readonly limit: number;
  /** Tenants after this one come first. Null: from the first. */
  readonly afterTenant: string | null;
  /** Background work that has waited for long goes first. */
  readonly favoursBackground: boolean;
}

/**
 * The waiting and the running jobs, in the tables and states of pg-boss, so that its policies apply and its tools
 * show them. All statements run as the service role, on the store's pool; pg-boss itself does not run.
 */
export class JobQueue {
  readonly #store: DataStoreInternals;

  constructor(store: DataStoreInternals) {
    this.#store = store;
  }

  /** Claims up to this many jobs that are due, in turns over the tenants. */
  async claim(queue: string, { limit, afterTenant, favoursBackground }: ClaimRequest): Promise<ClaimedJob[]> {
    try {
      const [answer] = await this.run([
        { name: 'claim-jobs', text: CLAIM, values: [queue, String(limit), afterTenant, String(favoursBackground)] },
      ]);
      return (answer as StatementResult).rows.map((row) => readJob(queue, row));
    } catch (error) {
      if (LOST_RACES.has((error as { code?: string }).code ?? '')) return [];
      throw error;
    }
  }

  /** Renews the leases of these jobs. Returns the ids of those that this claim still holds. */
  async renew(queue: string, jobs: readonly ClaimedJob[]): Promise<Set<string>> {
    const [answer] = await this.run([renewJobs(queue, jobs)]);
    return idsOf(answer);
  }

  /** Runs statements as the service role, each call one transaction and one round trip. */
  async run(statements: readonly Statement[]): Promise<StatementResult[]> {
    return this.#store.executor.run(serviceScope, statements);
  }
}

/** Two claims met at jobs of one key: what either left will be claimed next time. */
const LOST_RACES = new Set(['23505', '40P01']);

const CLAIM = "select id, retry_count, tenant, data->>'identity' from intendant.claim_jobs($1, $2, $3, $4)";

function readJob(queue: string, [id, retryCount, tenant, identity]: readonly (string | null)[]): ClaimedJob {
  return {
    id: String(id),
    retryCount: Number(retryCount),
    queue,
    identity: JSON.parse(String(identity)) as string[],
    tenant: String(tenant),
  };
}

/** The ids that a statement of this file returned. */
export const idsOf = (answer: StatementResult | undefined): Set<string> =>
  new Set(answer?.rows.map(([id]) => String(id)));

/** Renews their leases. Returns the ids of those that this claim still holds. Runs as the login. */
export const renewJobs = (queue: string, jobs: readonly ClaimedJob[]): Statement => ({
  name: 'renew-jobs',
  text: RENEW,
  values: [
    queue,
    arrayLiteral(jobs.map(({ id }) => id)),
    arrayLiteral(jobs.map(({ id, retryCount }) => `${id}:${retryCount}`)),
  ],
});

/*
 * With a condition on the attempt number, which changes when a job is taken over. The name is compared with `any`,
 * for which Postgres uses a hash; it may plan a join with two arrays as a loop over all pairs (for 5,000 jobs pg-boss
 * measured 1,063 ms, and 58 ms with `any`).
 */
const RENEW = `
  update ${JOBS_SCHEMA}.job_common j set heartbeat_on = clock_timestamp()
  where j.name = $1 and j.id = any ($2::uuid[]) and j.state = 'active'
    and j.id::text || ':' || j.retry_count = any ($3::text[])
  returning j.id`;
