import type { ClientBase } from 'pg';
import { REFUSE_POINT } from '../placement/refused-point.ts';
import { type Functions, planFunctions } from '../schema/function-plan.ts';
import { REMOVED_POINT_SQLSTATE } from '../status/removed-point.ts';
import { ADD_WORKER_COLUMNS, POINT_WORKER_TABLE } from './point-workers.ts';

const POINT_TABLES = `
create table intendant.enforcement_point (
  id text primary key,
  labels jsonb not null,
  table_names text[] not null,
  state text not null default 'live' check (state in ('live', 'removed')),
  announced_at timestamptz not null default clock_timestamp(),
  heartbeat_at timestamptz not null default clock_timestamp(),
  stale_after_ms double precision not null default 60000
);
create table intendant.point_rollout (
  point_id text not null references intendant.enforcement_point on delete cascade,
  table_name text not null,
  is_forced boolean not null,
  phase text not null default 'count' check (phase in ('count', 'move', 'settle', 'done')),
  reached jsonb,
  total bigint not null default 0,
  done bigint not null default 0,
  has_skipped boolean not null default false,
  has_settled boolean not null default false,
  settled_after xid8,
  started_at timestamptz not null default clock_timestamp(),
  finished_at timestamptz,
  primary key (point_id, table_name)
)`;

export const POINT_FUNCTIONS: Functions = {
  'intendant.labels_match(jsonb, jsonb)': `
create or replace function intendant.labels_match(labels jsonb, selector jsonb) returns boolean
language sql immutable parallel safe set search_path = pg_catalog, pg_temp
as $body$
  select not exists (
    select from jsonb_each(selector) as wanted (label, value)
    where not coalesce(
      case jsonb_typeof(wanted.value) when 'array' then wanted.value @> (labels -> wanted.label) else wanted.value = labels -> wanted.label end,
      false)
  )
$body$`,
  'intendant.refuse_removed_point(text)': `
create or replace function intendant.refuse_removed_point(point text) returns text
language plpgsql set search_path = pg_catalog, pg_temp
as $body$
begin
  raise exception 'enforcement point % was removed', point using errcode = '${REMOVED_POINT_SQLSTATE}', detail = point;
end
$body$`,
  'intendant.refuse_point(text, text, boolean)': REFUSE_POINT,
};

/** The tables for the registry of points, their workers and the rollouts to them. */
export async function planPoints(client: ClientBase): Promise<string[]> {
  const found = await client.query<Found>(FOUND);
  return [...missingTables(found.rows[0] as Found), ...(await planFunctions(client, POINT_FUNCTIONS))];
}

interface Found {
  readonly has_points: boolean;
  readonly has_stale_after: boolean;
  readonly has_workers: boolean;
  readonly has_left_workers: boolean;
}

const FOUND = `
  select to_regclass('intendant.enforcement_point') is not null as has_points,
    exists (
      select from pg_attribute where attrelid = to_regclass('intendant.enforcement_point') and attname = 'stale_after_ms'
    ) as has_stale_after,
    to_regclass('intendant.point_worker') is not null as has_workers,
    exists (
      select from pg_attribute where attrelid = to_regclass('intendant.point_worker') and attname = 'left_at'
    ) as has_left_workers`;

/** Returns the SQL for what is missing in the database, including one from an earlier version. */
const missingTables = ({ has_points, has_stale_after, has_workers, has_left_workers }: Found): string[] => [
  ...(has_points ? [] : [POINT_TABLES]),
  ...(has_points && !has_stale_after
    ? ['alter table intendant.enforcement_point add column stale_after_ms double precision not null default 60000']
    : []),
  ...(has_workers ? [] : [POINT_WORKER_TABLE]),
  ...(has_workers && !has_left_workers ? [ADD_WORKER_COLUMNS] : []),
];
