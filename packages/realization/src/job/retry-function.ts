import { JOBS_SCHEMA, keyOf, keyPart } from './job-functions.ts';
import { refuseOthersJobs } from './own-jobs.ts';

/*
 * Makes the jobs of these resources due now, as if they had never been tried. A job that waits for a retry is
 * replaced, not reset: reports of workers are checked by the job's id and attempt number, and a job that counted from
 * one again could be confused with an attempt of a worker that lost it. A running job is not changed, and its resource
 * is not returned.
 */

export const RETRY_JOBS = `
create or replace function intendant.retry_jobs(
  schema_name text, table_name text, points text[], identities jsonb[], org_ids text[]
) returns bigint[]
language plpgsql security definer set search_path = pg_catalog, pg_temp set plan_cache_mode = force_generic_plan
as $body$
declare
  prefix constant text := ${keyPart('schema_name')} || '/' || ${keyPart('table_name')} || '/';
  queues constant text[] := array(select prefix || ${keyPart('point')} from unnest(points) as point);
  keys constant text[] := array(
    select ${keyOf('item.identity')} from unnest(identities) with ordinality as item (identity, ordinal) order by ordinal);
  idle bigint[];
begin${refuseOthersJobs('retry_jobs')}
  idle := array(
    select item.ordinal from unnest(queues, keys) with ordinality as item (queue, key, ordinal)
    where not exists (
      select from ${JOBS_SCHEMA}.job_common j
      where j.name = item.queue and j.policy = 'stately' and j.state = 'active' and coalesce(j.singleton_key, '') = item.key
    )
    order by item.ordinal);

  delete from ${JOBS_SCHEMA}.job_common j
  using unnest(queues, keys) with ordinality as item (queue, key, ordinal)
  where item.ordinal = any (idle) and j.name = item.queue and j.policy = 'stately' and j.state = 'retry'
    and coalesce(j.singleton_key, '') = item.key;

  delete from ${JOBS_SCHEMA}.job_common j
  where j.name = any (queues) and j.state = 'failed'
    and (j.name, j.singleton_key) in (
      select item.queue, item.key from unnest(queues, keys) with ordinality as item (queue, key, ordinal)
      where item.ordinal = any (idle));

  update ${JOBS_SCHEMA}.job_common j
  set start_after = least(j.start_after, clock_timestamp()), priority = greatest(j.priority, 0)
  from unnest(queues, keys) with ordinality as item (queue, key, ordinal)
  where item.ordinal = any (idle) and j.name = item.queue and j.policy = 'stately' and j.state = 'created'
    and coalesce(j.singleton_key, '') = item.key;

  perform intendant.enqueue_jobs(
    schema_name, table_name, array_agg(item.point), array_agg(item.identity), array_agg(item.org_id), 0)
  from unnest(points, identities, org_ids) with ordinality as item (point, identity, org_id, ordinal)
  where item.ordinal = any (idle)
  having count(*) > 0;
  return idle;
end
$body$`;
