import { JOBS_SCHEMA } from './job-functions.ts';

/**
 * Workers claim waiting jobs of the tenants in turn, not in the order of arrival. So a tenant with a hundred thousand
 * waiting jobs delays a job of another tenant by one turn only. (The fetch of pg-boss goes by priority and age; its
 * groups limit how many jobs of a tenant run, not whose job is next.)
 *
 * A claim walks over the index below from tenant to tenant, starting where the last claim ended, until it has met as
 * many tenants as there is capacity for. Each gets an equal share; capacity that some do not use goes to those with
 * more jobs. The cost is a few index look-ups for each unit of capacity, independent of the number of jobs.
 *
 * There are two bands: intents, and background work (a priority below zero), which gets the capacity that intents
 * leave. To prevent starvation, background work that has waited for a minute goes first in one of a few claims.
 *
 * Two jobs of one key may wait: a new one, and one that is to be retried. When both are due, the retry goes first.
 * While a job of a key runs, no other is claimed. If two claims race for a key, the unique index of the policy
 * `stately` fails one of them, which is then repeated.
 */

export const FAIR_INDEX = 'intendant_fair_claim';

export const CREATE_FAIR_INDEX = `
create index if not exists ${FAIR_INDEX}
  on ${JOBS_SCHEMA}.job_common (name, (priority < 0), coalesce(group_id, ''), start_after)
  where state < 'active' and not blocked`;

/** Disables sequential scans: statistics from a time when the table was empty would make the planner choose them. */
const BY_INDEX = `set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off set enable_hashjoin = off
  set plan_cache_mode = force_generic_plan`;
const TENANT = `coalesce(j.group_id, '')`;
const WAITS = `j.name = queue_name and (j.priority < 0) = is_background and j.state < 'active' and not j.blocked`;

/**
 * Another job of the key that blocks this one. It is a scalar sub-select, because a join would be planned over all jobs
 * of a state.
 */
const rival = (condition: string): string => `
        (select 1 from ${JOBS_SCHEMA}.job_common rival
          where rival.name = j.name and rival.policy = 'stately'
            and coalesce(rival.singleton_key, '') = coalesce(j.singleton_key, '') and ${condition}
          limit 1)`;

/** The first tenant that meets a condition, and when the first of its jobs is due. */
const firstTenant = (condition: string): string => `(
        select ${TENANT} as name, j.start_after from ${JOBS_SCHEMA}.job_common j
        where ${WAITS} and ${condition} order by ${TENANT}, j.start_after limit 1
      )`;

/*
 * Only `claim_jobs` has `set` clauses, which cost each call: it calls the other functions.
 */

/** Returns up to this many tenants with due jobs, after one tenant (null: from the first) and up to one (null: the last). */
export const TENANTS_AFTER = `
create or replace function intendant.tenants_after(
  queue_name text, is_background boolean, due_before timestamptz, tenant text, last_tenant text, most integer
) returns text[]
language plpgsql
as $body$
begin
  return array(
    with recursive met (name, start_after, taken) as (
      select first.name, first.start_after, (first.start_after <= due_before)::integer
      from (${firstTenant('tenant is null')} union all ${firstTenant(`${TENANT} > tenant`)}) first
      union all
      select next.name, next.start_after, met.taken + (next.start_after <= due_before)::integer
      from met cross join lateral ${firstTenant(`${TENANT} > met.name`)} next
      where met.taken < most and (last_tenant is null or met.name < last_tenant)
    )
    select met.name from met where met.start_after <= due_before and (last_tenant is null or met.name <= last_tenant)
  );
end
$body$`;

/**
 * Locks up to this many due jobs of each of these tenants, except those that were chosen already. `eager`: the
 * tenants that may have more. Processes of earlier releases replace this function when they start beside newer ones, and
 * a replaced function must keep the names of its results. It is dropped first, because one unpublished state of it had
 * other names.
 */
export const PICK_DUE = `
drop function if exists intendant.pick_due(text, boolean, timestamptz, text[], integer, uuid[]);
create or replace function intendant.pick_due(
  queue_name text, is_background boolean, due_before timestamptz, tenants text[], share integer, chosen uuid[],
  out ids uuid[], out eager text[]
)
language plpgsql
as $body$
begin
  with picked as (
    select turn.tenant, due.id
    from unnest(tenants) with ordinality as turn (tenant, place)
    cross join lateral (
      select j.id from ${JOBS_SCHEMA}.job_common j
      where ${WAITS} and ${TENANT} = turn.tenant and j.start_after <= due_before and j.id <> all (chosen)
        and ${rival("rival.state = 'active'")} is null
        and (j.state <> 'created' or ${rival("rival.state = 'retry' and rival.start_after <= due_before")} is null)
      order by j.start_after
      limit share
      for update skip locked
    ) due
  )
  select coalesce(array_agg(picked.id), '{}'),
    coalesce((select array_agg(full_share.tenant) from (select p.tenant from picked p group by p.tenant having count(*) >= share) full_share), '{}')
  into ids, eager from picked;
end
$body$`;

const CLAIMED = '(id uuid, retry_count integer, data jsonb, tenant text)';

export const CLAIM_BAND = `
create or replace function intendant.claim_band(
  queue_name text, is_background boolean, due_before timestamptz, room integer, after_tenant text
) returns table ${CLAIMED}
language plpgsql
as $body$
#variable_conflict use_column
declare
  chosen uuid[] := '{}';
  place text := after_tenant;
  has_wrapped boolean := after_tenant is null;
  is_round boolean := false;
  tenants text[];
  tenants_with_more text[] := '{}';
  picked record;
begin
  while cardinality(chosen) < room and not is_round loop
    tenants := intendant.tenants_after(
      queue_name, is_background, due_before, place, case when has_wrapped then after_tenant end, room);
    if cardinality(tenants) < room and not has_wrapped then
      has_wrapped := true;
      tenants := tenants || intendant.tenants_after(
        queue_name, is_background, due_before, null, after_tenant, room - cardinality(tenants));
    end if;
    is_round := cardinality(tenants) < room;
    place := tenants[cardinality(tenants)];
    if cardinality(tenants) > 0 then
      select * into picked from intendant.pick_due(
        queue_name, is_background, due_before, tenants,
        ceil((room - cardinality(chosen))::numeric / cardinality(tenants))::integer, chosen);
      chosen := chosen || picked.ids[1 : room - cardinality(chosen)];
      tenants_with_more := tenants_with_more || picked.eager;
    end if;
  end loop;

  while cardinality(chosen) < room and cardinality(tenants_with_more) > 0 loop
    select * into picked from intendant.pick_due(
      queue_name, is_background, due_before, tenants_with_more,
      ceil((room - cardinality(chosen))::numeric / cardinality(tenants_with_more))::integer, chosen);
    chosen := chosen || picked.ids[1 : room - cardinality(chosen)];
    tenants_with_more := picked.eager;
  end loop;

  if cardinality(chosen) = 0 then return; end if;
  return query
    with claimed as (
      update ${JOBS_SCHEMA}.job_common j
      set state = 'active', started_on = clock_timestamp(), heartbeat_on = clock_timestamp(),
        retry_count = case when j.started_on is null then j.retry_count else j.retry_count + 1 end
      where j.name = queue_name and j.id = any (chosen)
      returning j.id, j.retry_count, j.data, ${TENANT} as tenant
    )
    select claimed.* from claimed order by array_position(chosen, claimed.id);
end
$body$`;

export const CLAIM_JOBS = `
create or replace function intendant.claim_jobs(
  queue_name text, room integer, after_tenant text, favours_background boolean
) returns table ${CLAIMED}
language plpgsql set search_path = pg_catalog, pg_temp ${BY_INDEX}
as $body$
declare
  due constant timestamptz := clock_timestamp();
  claimed integer;
begin
  if favours_background then
    return query select * from intendant.claim_band(queue_name, true, due - interval '1 minute', room, after_tenant);
    get diagnostics claimed = row_count;
    room := room - claimed;
  end if;
  if room > 0 then
    return query select * from intendant.claim_band(queue_name, false, due, room, after_tenant);
    get diagnostics claimed = row_count;
    room := room - claimed;
  end if;
  if room > 0 then
    return query select * from intendant.claim_band(queue_name, true, due, room, after_tenant);
  end if;
end
$body$`;
