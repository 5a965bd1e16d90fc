import { arrayLiteral, type Statement } from '@intendant/core/internal';
import type { ClaimedJob } from './claim.ts';
import { JOBS_SCHEMA } from './job-functions.ts';
import { retryLimitOf } from './queue-settings.ts';

/**
 * The worker decides, in milliseconds, when a failed job runs again. So we write the time ourselves: `fail` of pg-boss
 * has one delay for each queue, in seconds. The states are those of pg-boss: `retry` waits, and `failed` stays visible
 * until its retention is over. At most one job of a key may wait in `retry`; if one does already, it is used for this
 * job too.
 */

export interface FailedJob {
  readonly job: ClaimedJob;
  /** Null: the job is not repeated. */
  readonly retryInMs: number | null;
  readonly message: string;
  /** The attempt is not counted, because the handler did not cause its end. Only if the handler is no longer running. */
  readonly isUncounted?: boolean;
  /** The worker's limit of attempts, which the job then shows. Default: unchanged. */
  readonly attempts?: number;
}

/** Conditional on the attempt number: a job that was taken over is not changed. Runs as the login. */
export const rescheduleJobs = (queue: string, failures: readonly FailedJob[]): Statement => ({
  name: 'reschedule-jobs',
  text: RESCHEDULE,
  values: [
    queue,
    arrayLiteral(failures.map(({ job }) => job.id)),
    arrayLiteral(failures.map(({ job }) => String(job.retryCount))),
    arrayLiteral(failures.map(({ retryInMs }) => (retryInMs === null ? null : String(retryInMs)))),
    arrayLiteral(failures.map(({ message }) => message)),
    arrayLiteral(failures.map(({ isUncounted = false }) => String(isUncounted))),
    arrayLiteral(failures.map(({ attempts }) => (attempts === undefined ? null : String(retryLimitOf(attempts))))),
  ],
});

const HAS_WAITING_JOB = `exists (
      select from ${JOBS_SCHEMA}.job_common other
      where other.name = j.name and other.policy = 'stately' and other.state = 'retry'
        and coalesce(other.singleton_key, '') = coalesce(j.singleton_key, '')
    )`;

const RESCHEDULE = `
  with failure as (
    select * from unnest($2::uuid[], $3::integer[], $4::double precision[], $5::text[], $6::boolean[], $7::integer[])
      as f (id, attempt, retry_in_ms, message, is_uncounted, retry_limit)
  ),
  doubled as (
    delete from ${JOBS_SCHEMA}.job_common j using failure f
    where j.name = $1 and j.id = f.id and j.state = 'active' and j.retry_count = f.attempt and f.retry_in_ms is not null
      and ${HAS_WAITING_JOB}
  )
  update ${JOBS_SCHEMA}.job_common j
  set state = case when f.retry_in_ms is null then 'failed' else 'retry' end::${JOBS_SCHEMA}.job_state,
    start_after = clock_timestamp() + coalesce(f.retry_in_ms, 0) * interval '1 ms',
    completed_on = case when f.retry_in_ms is null then clock_timestamp() end,
    started_on = case when f.is_uncounted then null else j.started_on end,
    retry_limit = coalesce(f.retry_limit, j.retry_limit),
    output = jsonb_build_object('message', f.message),
    heartbeat_on = null
  from failure f
  where j.name = $1 and j.id = f.id and j.state = 'active' and j.retry_count = f.attempt
    and (f.retry_in_ms is null or not ${HAS_WAITING_JOB})`;

/** Cancels claimed jobs that name no resource. pg-boss' tools show them until their retention is over. Runs as the login. */
export const refuseJobs = (queue: string, jobs: readonly ClaimedJob[]): Statement => ({
  name: 'refuse-jobs',
  text: REFUSE,
  values: [
    queue,
    arrayLiteral(jobs.map(({ id }) => id)),
    arrayLiteral(jobs.map(({ retryCount }) => String(retryCount))),
  ],
});

const REFUSE = `
  update ${JOBS_SCHEMA}.job_common j
  set state = 'cancelled', completed_on = clock_timestamp(), heartbeat_on = null,
    output = jsonb_build_object('message', 'the data do not name a resource of the table')
  from unnest($2::uuid[], $3::integer[]) as claimed (id, attempt)
  where j.name = $1 and j.id = claimed.id and j.state = 'active' and j.retry_count = claimed.attempt`;

/** Releases the jobs whose lease has expired. Returns their number. */
export const takeOverJobs = (queues: readonly string[], leaseMs: number): Statement => ({
  name: 'take-over-jobs',
  text: TAKE_OVER,
  values: [arrayLiteral(queues), String(leaseMs)],
});

const EXPIRED = `j.name = any ($1::text[]) and j.state = 'active' and j.heartbeat_on < clock_timestamp() - $2::double precision * interval '1 ms'`;

const TAKE_OVER = `
  with doubled as (
    delete from ${JOBS_SCHEMA}.job_common j where ${EXPIRED} and ${HAS_WAITING_JOB} returning j.id
  ),
  freed as (
    update ${JOBS_SCHEMA}.job_common j
    set state = 'retry', start_after = clock_timestamp(), heartbeat_on = null,
      output = jsonb_build_object('message', 'the worker stopped renewing its lease')
    where ${EXPIRED} and not ${HAS_WAITING_JOB}
    returning j.id
  )
  select (select count(*) from doubled) + (select count(*) from freed)`;

/** Returns when the next unblocked job is due, in milliseconds from now (negative: it is due already); null if none waits. */
export const nextDueJob = (queues: readonly string[]): Statement => ({
  name: 'next-due-job',
  text: NEXT_DUE,
  values: [arrayLiteral(queues)],
});

const NEXT_DUE = 'select intendant.next_due_job($1)';

/**
 * A function, because it can have settings: Postgres would plan a query with an array parameter at each call, which
 * takes five times as long.
 */
export const NEXT_DUE_JOB = `
create or replace function intendant.next_due_job(queues text[]) returns double precision
language plpgsql set search_path = pg_catalog, pg_temp set enable_seqscan = off set plan_cache_mode = force_generic_plan
as $body$
begin
  return (select extract(epoch from min(due.start_after) - clock_timestamp()) * 1000
  from unnest(queues) as queue (name)
  cross join unnest('{created,retry}'::${JOBS_SCHEMA}.job_state[]) as waiting (state)
  cross join lateral (
    select j.start_after from ${JOBS_SCHEMA}.job_common j
    where j.name = queue.name and j.state = waiting.state and j.blocked = false
      and (
        select 1 from ${JOBS_SCHEMA}.job_common running
        where running.name = j.name and running.state = 'active' and running.policy = 'stately'
          and coalesce(running.singleton_key, '') = coalesce(j.singleton_key, '')
        limit 1
      ) is null
    order by j.start_after limit 1
  ) due);
end
$body$`;
