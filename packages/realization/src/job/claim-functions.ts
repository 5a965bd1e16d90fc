import { JOBS_SCHEMA } from './job-functions.ts';

/*
 * How waiting jobs are claimed: in turns over the tenants, and not in the order of arrival, so that a tenant with a
 * hundred thousand waiting jobs delays another's one by a turn. (pg-boss' own fetch goes by priority and age; its groups
 * limit how many jobs of a tenant run, not whose is next.)
 *
 * A walk over the index below hops from tenant to tenant, on from where the last claim ended, until as many are met as
 * there is room for, and gives each an equal share; what some leave over goes to those that have more. It costs a few
 * hops for each place there is room for, whatever the number of jobs.
 *
 * Two bands: intents, and background work (a priority below zero), which gets the room that intents leave. Lest it
 * starve, a worker lets background work that has waited for a minute go first in one claim of a few.
 *
 * Of one key two jobs may wait, a new one and one to be retried: once both are due, the one to be retried goes first.
 * While one of a key runs, no other is claimed; where two claims race for a key, the unique index of the policy
 * \`stately\` fails one of them, which is made again.
 */

export const FAIR_INDEX = 'intendant_fair_claim';

export const CREATE_FAIR_INDEX = `
create index if not exists ${FAIR_INDEX}
  on ${JOBS_SCHEMA}.job_common (name, (priority < 0), coalesce(group_id, ''), start_after)
  where state < 'active' and not blocked`;

/** The planner must not think, from a time when the table was empty, that reading all of it is cheap. */
const BY_INDEX = `set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off set plan_cache_mode = force_generic_plan`;
const TENANT = `coalesce(j.group_id, '')`;
const WAITS = `j.name = queue_name and (j.priority < 0) = is_background and j.state < 'active' and not j.blocked`;

/** The next tenant with jobs that wait, due or not; null: the first one. */
export const TENANT_AFTER = `
create or replace function intendant.tenant_after(queue_name text, is_background boolean, tenant text) returns text
language plpgsql set search_path = pg_catalog, pg_temp
as $body$
begin
  if tenant is null then
    return (select ${TENANT} from ${JOBS_SCHEMA}.job_common j where ${WAITS} order by ${TENANT} limit 1);
  end if;
  return (select ${TENANT} from ${JOBS_SCHEMA}.job_common j where ${WAITS} and ${TENANT} > tenant order by ${TENANT} limit 1);
end
$body$`;

const CLAIMED = '(id uuid, retry_count integer, data jsonb, tenant text)';

export const CLAIM_OF_TENANT = `
create or replace function intendant.claim_of_tenant(
  queue_name text, is_background boolean, of_tenant text, due_before timestamptz, most integer
) returns table ${CLAIMED}
language plpgsql set search_path = pg_catalog, pg_temp
as $body$
#variable_conflict use_column
begin
  return query
  update ${JOBS_SCHEMA}.job_common j
  set state = 'active', started_on = clock_timestamp(), heartbeat_on = clock_timestamp(),
    retry_count = case when j.started_on is null then j.retry_count else j.retry_count + 1 end
  where j.name = queue_name and j.id = any (array(
    select j.id from ${JOBS_SCHEMA}.job_common j
    where ${WAITS} and ${TENANT} = of_tenant and j.start_after <= due_before
      and not exists (
        select from ${JOBS_SCHEMA}.job_common rival
        where rival.name = j.name and rival.policy = 'stately' and rival.state = 'active'
          and coalesce(rival.singleton_key, '') = coalesce(j.singleton_key, '')
      )
      and not (j.state = 'created' and exists (
        select from ${JOBS_SCHEMA}.job_common rival
        where rival.name = j.name and rival.policy = 'stately' and rival.state = 'retry'
          and coalesce(rival.singleton_key, '') = coalesce(j.singleton_key, '') and rival.start_after <= due_before
      ))
    order by j.start_after
    limit most
    for update skip locked
  ))
  returning j.id, j.retry_count, j.data, ${TENANT};
end
$body$`;

export const CLAIM_BAND = `
create or replace function intendant.claim_band(
  queue_name text, is_background boolean, due_before timestamptz, room integer, after_tenant text
) returns table ${CLAIMED}
language plpgsql set search_path = pg_catalog, pg_temp
as $body$
declare
  first_met text;
  place text := after_tenant;
  met text;
  has_wrapped boolean := false;
  is_round boolean := false;
  tenants text[];
  eager text[] := '{}';
  share integer;
  claimed integer;
begin
  while room > 0 and not is_round loop
    tenants := '{}';
    while cardinality(tenants) < room and not is_round loop
      met := intendant.tenant_after(queue_name, is_background, place);
      if met is null and place is not null then
        place := null;
        has_wrapped := true;
      else
        is_round := met is null or has_wrapped and coalesce(met >= first_met, false);
        if not is_round then
          tenants := tenants || met;
          first_met := coalesce(first_met, met);
          place := met;
        end if;
      end if;
    end loop;
    exit when cardinality(tenants) = 0;

    share := ceil(room::numeric / cardinality(tenants));
    foreach met in array tenants loop
      exit when room = 0;
      return query select * from intendant.claim_of_tenant(queue_name, is_background, met, due_before, least(share, room));
      get diagnostics claimed = row_count;
      room := room - claimed;
      if claimed = share then eager := eager || met; end if;
    end loop;
  end loop;

  foreach met in array eager loop
    exit when room = 0;
    return query select * from intendant.claim_of_tenant(queue_name, is_background, met, due_before, room);
    get diagnostics claimed = row_count;
    room := room - claimed;
  end loop;
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
