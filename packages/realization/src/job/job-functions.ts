import { whenTraced } from '@intendant/core/internal';
import { JOB_BELL_CHANNEL, ringJobBell } from './job-bell.ts';
import { refuseOthersJob, refuseOthersJobs } from './own-jobs.ts';
import { QUEUE_COLUMNS, QUEUE_VALUES } from './queue-settings.ts';

/*
 * These functions run with the rights of the schema's owner, because the roles of tenants have no rights on the job
 * tables. A job names only a resource and a point. Writer roles may call the functions, each for jobs of its own: see
 * own-jobs.ts.
 */

export const JOBS_SCHEMA = 'intendant_jobs';

/**
 * Whether a text is used in a key without encoding, as almost all are. The expression does not check the length,
 * because counted repetitions make it ten times slower.
 */
const isPlain = (part: string): string => `(${part} !~ '[^A-Za-z0-9_-]' and octet_length(${part}) between 1 and 200)`;

/** As `encodeKeyPart` in job-key.ts. */
export const JOB_KEY_PART = `
create or replace function intendant.job_key_part(part text) returns text
language sql immutable parallel safe set search_path = pg_catalog, pg_temp
as $body$
  select case
    when ${isPlain('part')} then part
    when octet_length(convert_to(part, 'UTF8')) <= 200 then '.' || encode(convert_to(part, 'UTF8'), 'hex')
    else '..' || encode(sha256(convert_to(part, 'UTF8')), 'hex')
  end
$body$`;

/** Calls the function only for texts that need encoding, because the call costs more than all its work. */
export const keyPart = (part: string): string =>
  `case when ${isPlain(part)} then ${part} else intendant.job_key_part(${part}) end`;

/** The same for a function without a search_path. */
const qualifiedKeyPart = (part: string): string =>
  `case when ${part} operator(pg_catalog.!~) '[^A-Za-z0-9_-]' and ${part} operator(pg_catalog.<>) ''
          and pg_catalog.octet_length(${part}) operator(pg_catalog.<=) 200
        then ${part} else intendant.job_key_part(${part}) end`;

/** As `jobKey` in job-key.ts, of a JSON array. */
export const keyOf = (identity: string): string => `
    (select string_agg(${keyPart('part')}, '/' order by place)
      from jsonb_array_elements_text(${identity}) with ordinality as parts (part, place))`;

/**
 * Adds a job for each point and identity, and the queues for them, in one statement for any number of them. The columns
 * are those that the insert of pg-boss 12 fills, with the defaults of the queue; a test compares both. If a job with
 * the same key waits, the unique index of the policy `stately` rejects the new one without an error.
 *
 * The plan is made once for each connection: with known array parameters a plan looks cheaper, so Postgres would plan
 * each call again, which takes longer than the insert.
 */
export const ENQUEUE_JOBS = `
create or replace function intendant.enqueue_jobs(
  schema_name text, table_name text, points text[], identities jsonb[], org_ids text[], job_priority integer
) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp set plan_cache_mode = force_generic_plan
as $body$
declare
  prefix constant text := ${keyPart('schema_name')} || '/' || ${keyPart('table_name')} || '/';
  trace constant jsonb := ${whenTraced((traceparent) => `jsonb_build_object('traceparent', ${traceparent})`, "'{}'")};
  added bigint;
begin${refuseOthersJobs('enqueue_jobs')}
  insert into ${JOBS_SCHEMA}.queue (name, ${QUEUE_COLUMNS})
  select wanted.name, ${QUEUE_VALUES}
  from (select distinct prefix || ${keyPart('point')} as name from unnest(points) as point) wanted
  where not exists (select from ${JOBS_SCHEMA}.queue known where known.name = wanted.name)
  order by wanted.name
  on conflict do nothing;

  insert into ${JOBS_SCHEMA}.job_common (
    name, data, priority, singleton_key, group_id, policy, retry_limit, retry_delay, retry_backoff, retry_delay_max,
    expire_seconds, deletion_seconds, start_after, created_on, keep_until, dead_letter, heartbeat_seconds
  )
  select q.name, jsonb_build_object('identity', item.identity) || trace, job_priority, ${keyOf('item.identity')},
    item.org_id, q.policy, q.retry_limit, q.retry_delay, q.retry_backoff, q.retry_delay_max,
    q.expire_seconds, q.deletion_seconds, clock_timestamp(), clock_timestamp(),
    clock_timestamp() + q.retention_seconds * interval '1s', q.dead_letter, q.heartbeat_seconds
  from unnest(points, identities, org_ids) as item (point, identity, org_id)
  join ${JOBS_SCHEMA}.queue q on q.name = prefix || ${keyPart('item.point')}
  order by 1, 4
  on conflict do nothing;
  get diagnostics added = row_count;
  if added > 0 then
    perform pg_notify('${JOB_BELL_CHANNEL}', b.queue) from intendant.job_bell b
    where b.rings_until > clock_timestamp()
      and b.queue in (select prefix || ${keyPart('point')} from unnest(points) as point);
  end if;
  return added;
end
$body$`;

/** The data of a job: its resource, and the trace of its intent if there is one. */
const jobData = whenTraced(
  (traceparent) => `pg_catalog.jsonb_build_object('identity', $2, 'traceparent', ${traceparent})`,
  `pg_catalog.jsonb_build_object('identity', $2)`,
);

/** Where a job with the key waits, the unique index of the policy \`stately\` absorbs the new one. */
const addJob = `insert into ${JOBS_SCHEMA}.job_common (
    name, data, priority, singleton_key, group_id, policy, retry_limit, retry_delay, retry_backoff, retry_delay_max,
    expire_seconds, deletion_seconds, start_after, created_on, keep_until, dead_letter, heartbeat_seconds
  )
  select q.name, ${jobData}, $5, $3, $4, q.policy, q.retry_limit, q.retry_delay,
    q.retry_backoff, q.retry_delay_max, q.expire_seconds, q.deletion_seconds, pg_catalog.clock_timestamp(),
    pg_catalog.clock_timestamp(),
    pg_catalog.clock_timestamp() operator(pg_catalog.+) (q.retention_seconds operator(pg_catalog.*) interval '1s'),
    q.dead_letter, q.heartbeat_seconds
  from ${JOBS_SCHEMA}.queue q where q.name operator(pg_catalog.=) $1
  on conflict do nothing;`;

/**
 * Adds one job, for the intent of one resource: as `enqueue_jobs`, without the cost of a set. It runs with the
 * owner's rights and has no `search_path` setting, because a `set` clause costs a tenth of the insert at every
 * call. Instead each name and operator is qualified, and a test creates functions and operators of the same names.
 *
 * If nothing was added, either a job with the same key waits, or the queue did not exist. Another transaction may have
 * created the queue since, so the insert is always repeated: that the queue exists now does not show which it was.
 */
export const ADD_JOB = `
create or replace function intendant.add_job(queue_name text, identity jsonb, job_key text, org_id text, job_priority integer)
returns void
language plpgsql security definer
as $body$
begin${refuseOthersJob('add_job', qualifiedKeyPart('$4'))}
  ${addJob}
  if not found then
    insert into ${JOBS_SCHEMA}.queue (name, ${QUEUE_COLUMNS})
    select $1, ${QUEUE_VALUES}
    where not exists (select from ${JOBS_SCHEMA}.queue q where q.name operator(pg_catalog.=) $1)
    on conflict do nothing;
    ${addJob}
  end if;
  if found then${ringJobBell('$1')}
  end if;
end
$body$`;

/**
 * The same for a resource that may already have a waiting job, which is then left unchanged: finding it costs a tenth
 * of an insert that the unique index rejects. It may also find a job that is just being claimed. That is correct,
 * because the caller holds the lock on the resource's overall row, and the worker reads only after it has that lock.
 */
export const ADD_JOB_UNLESS_WAITING = `
create or replace function intendant.add_job_unless_waiting(
  queue_name text, identity jsonb, job_key text, org_id text, job_priority integer
) returns void
language plpgsql security definer set enable_seqscan = off set plan_cache_mode = force_generic_plan
as $body$
begin${refuseOthersJob('add_job_unless_waiting', qualifiedKeyPart('$4'))}
  if exists (
    select from ${JOBS_SCHEMA}.job_common j
    where j.name operator(pg_catalog.=) $1 and j.state operator(pg_catalog.=) 'created'::${JOBS_SCHEMA}.job_state
      and j.policy operator(pg_catalog.=) 'stately' and coalesce(j.singleton_key, '') operator(pg_catalog.=) $3
      and j.priority operator(pg_catalog.>=) $5
  ) then return; end if;
  perform intendant.add_job($1, $2, $3, $4, $5);
end
$body$`;

/** Whether a job waits or runs. Only the service role may call it, because a tenant must not learn about others' jobs. */
export const HAS_JOB = `
create or replace function intendant.has_job(schema_name text, table_name text, point text, identity jsonb) returns boolean
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $body$
declare
  queue constant text := ${keyPart('schema_name')} || '/' || ${keyPart('table_name')} || '/' || ${keyPart('point')};
  key constant text := ${keyOf('identity')};
begin
  return exists (
    select from ${JOBS_SCHEMA}.job_common j
    where j.name = queue and j.policy = 'stately' and j.state in ('created', 'retry', 'active')
      and coalesce(j.singleton_key, '') = key
  );
end
$body$`;

/**
 * Removes finished jobs from their queue and returns the ids of those that were removed. The condition includes the
 * attempt: a job that was taken over has another attempt number. Only the service role may call it, and must know a
 * running job's id and attempt.
 */
export const REMOVE_JOBS = `
create or replace function intendant.remove_jobs(queue_name text, ids uuid[], retry_counts integer[]) returns uuid[]
language plpgsql security definer set search_path = pg_catalog, pg_temp
  set enable_seqscan = off set plan_cache_mode = force_generic_plan
as $body$
declare
  removed uuid[];
begin
  with gone as (
    delete from ${JOBS_SCHEMA}.job_common j
    where j.name = queue_name and j.id = any (ids) and j.state = 'active'
      and j.retry_count = retry_counts[array_position(ids, j.id)]
    returning j.id
  )
  select coalesce(array_agg(gone.id), '{}') into removed from gone;
  return removed;
end
$body$`;

/** Raised when an id is used again while status rows of the earlier resource exist. */
export const LEFTOVER_SQLSTATE = 'IN410';

export const REFUSE_LEFTOVER = `
create or replace function intendant.refuse_leftover(leftover_revision bigint) returns void
language plpgsql set search_path = pg_catalog, pg_temp
as $body$
begin
  raise exception 'status rows of an earlier resource are left, at revision %', leftover_revision using errcode = '${LEFTOVER_SQLSTATE}';
end
$body$`;
