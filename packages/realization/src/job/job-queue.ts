import {
  arrayLiteral,
  type DataStoreInternals,
  type ResultSet,
  type Statement,
  type StatementResult,
  type StatementSet,
  serviceScope,
} from '@intendant/core/internal';
import { type ClaimedJob, type ClaimRequest, claimJobs, readClaimedJobs } from './claim.ts';
import { JOBS_SCHEMA } from './job-functions.ts';

/**
 * The waiting and the running jobs, in the tables and states of pg-boss, so that its policies apply and its tools
 * show them. All statements run as the service role, on the store's pool; pg-boss itself does not run.
 */
export class JobQueue {
  readonly #store: DataStoreInternals;

  constructor(store: DataStoreInternals) {
    this.#store = store;
  }

  /** Claims up to this many jobs that are due, from the tenants in turn. */
  async claim(queue: string, request: ClaimRequest): Promise<ClaimedJob[]> {
    try {
      const { claim } = await this.#store.executor.run(serviceScope, { claim: claimJobs(queue, request) });
      return readClaimedJobs(queue, claim);
    } catch (error) {
      if (hasLostRace(error)) return [];
      throw error;
    }
  }

  /** Renews the leases of these jobs. Returns the ids of those that this claim still holds. */
  async renew(queue: string, jobs: readonly ClaimedJob[]): Promise<Set<string>> {
    const { answer } = await this.run({ answer: renewJobs(queue, jobs) });
    return idsOf(answer);
  }

  /** Runs statements as the service role, each call one transaction and one round trip. */
  run<Statements extends StatementSet>(statements: Statements): Promise<ResultSet<Statements>> {
    return this.#store.executor.run(serviceScope, statements);
  }
}

const LOST_RACES = new Set(['23505', '40P01']);

/** Two claims took jobs of the same key, so this one failed. The jobs are claimed next time. */
export const hasLostRace = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && LOST_RACES.has(String(error.code));

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

/**
 * With a condition on the attempt number, which changes when a job is taken over. The name is compared with `any`, for
 * which Postgres uses a hash; it may plan a join with two arrays as a loop over all pairs (for 5,000 jobs pg-boss
 * measured 1,063 ms, and 58 ms with `any`).
 */
const RENEW = `
  update ${JOBS_SCHEMA}.job_common j set heartbeat_on = clock_timestamp()
  where j.name = $1 and j.id = any ($2::uuid[]) and j.state = 'active'
    and j.id::text || ':' || j.retry_count = any ($3::text[])
  returning j.id`;
