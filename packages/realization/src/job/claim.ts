import type { Statement, StatementResult } from '@intendant/core/internal';
import type { Identity } from '../resource/identity-set.ts';

/** A job that this process has claimed. */
export interface ClaimedJob {
  readonly id: string;
  /** Identifies the attempt: if a claim expires and the job is claimed again, this number is higher. */
  readonly retryCount: number;
  readonly queue: string;
  /** Empty if the data of the job contain none. */
  readonly identity: Identity;
  /** The tenant to which the job counts; empty for a job that belongs to no tenant. */
  readonly tenant: string;
  /** What was stored as the trace of its intent; anybody may have written it. */
  readonly traceparent: unknown;
}

export interface ClaimRequest {
  readonly limit: number;
  /** The claim starts after this tenant. Null: with the first. */
  readonly afterTenant: string | null;
  /** Whether background work that has waited for long goes first. */
  readonly isBackgroundFirst: boolean;
}

/** Holds the claimed jobs as JSON, for a later statement of the same exchange; empty when none was claimed. */
export const CLAIMED_JOBS = 'intendant.claimed_jobs';

/** Claims jobs. Runs as the service role. */
export const claimJobs = (queue: string, { limit, afterTenant, isBackgroundFirst }: ClaimRequest): Statement => ({
  name: 'claim-jobs',
  text: CLAIM,
  values: [queue, String(limit), afterTenant, String(isBackgroundFirst)],
});

const CLAIM = `
  select set_config('${CLAIMED_JOBS}', coalesce(jsonb_agg(jsonb_build_object('id', id, 'attempt', retry_count + 1,
    'tenant', tenant, 'identity', data->'identity', 'traceparent', data->'traceparent'))::text, ''), true)
  from intendant.claim_jobs($1, $2, $3, $4)`;

interface JobJson {
  readonly id: string;
  readonly attempt: number;
  readonly tenant: string;
  /** What is stored; a tool of pg-boss may have sent the job with any data. */
  readonly identity: unknown;
  readonly traceparent: unknown;
}

/** The jobs that `claimJobs` claimed, in the order of its turns. */
export function readClaimedJobs(queue: string, { rows }: StatementResult): ClaimedJob[] {
  const text = rows[0]?.[0] ?? '';
  const jobs = text === '' ? [] : (JSON.parse(text) as JobJson[]);
  return jobs.map(({ attempt, identity, ...job }) => ({
    ...job,
    identity: isTexts(identity) ? identity : [],
    retryCount: attempt - 1,
    queue,
  }));
}

const isTexts = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every((part) => typeof part === 'string');

/** The same JSON of jobs, with the fields that an attempt needs at its beginning. */
export const claimedJobsJson = (jobs: readonly ClaimedJob[]): string =>
  JSON.stringify(jobs.map(({ retryCount, identity }) => ({ attempt: retryCount + 1, identity })));
