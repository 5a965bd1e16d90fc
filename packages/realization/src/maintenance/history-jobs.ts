import type { DataStoreInternals } from '@intendant/core/internal';
import type { MaintenanceJob } from '../background/maintenance-job.ts';

const ADD_UP_BATCH = 20_000;
const DELETE_BATCH = 10_000;

/** Interval at which appended counts are added up, in milliseconds. Every summary reads those that are not added up yet. */
const ADD_UP_INTERVAL_MS = 2000;
const DELETE_INTERVAL_MS = 60_000;

/**
 * Several processes may do this at the same time: each takes rows that no other has locked, and adds its sums in the
 * order of the counts' key.
 */
const ADD_UP = `
  with taken as (
    delete from intendant.status_change
    where ctid = any (array(select ctid from intendant.status_change limit $1::bigint for update skip locked))
    returning *
  ),
  added as (
    insert into intendant.status_count as c (table_name, org_id, instance_id, point_id, status, resources)
    select table_name, org_id, instance_id, point_id, status, sum(change) from taken
    group by 1, 2, 3, 4, 5 having sum(change) <> 0 order by 1, 2, 3, 4, 5
    on conflict (table_name, org_id, instance_id, point_id, status) do update set resources = c.resources + excluded.resources
  )
  select count(*)::int as taken from taken`;

/** Checks first, so that an idle database is not written to. */
const IS_ANY = 'select exists (select from intendant.status_change) as is_any';

export const addUpCountsJob = (store: DataStoreInternals, isReady: () => boolean): MaintenanceJob => ({
  name: 'add up counts',
  intervalMs: ADD_UP_INTERVAL_MS,
  work: async () => {
    if (!isReady()) return undefined;
    const { rows } = await store.inServiceTransaction((client) => client.query<{ is_any: boolean }>(IS_ANY));
    if (!rows[0]?.is_any) return undefined;
    const { rows: done } = await store.inServiceTransaction((client) =>
      client.query<{ taken: number }>(ADD_UP, [ADD_UP_BATCH]),
    );
    return done[0]?.taken === ADD_UP_BATCH ? 0 : undefined;
  },
});

const DELETE_OLD = `
  delete from intendant.status_history
  where ctid = any (array(
    select ctid from intendant.status_history
    where occurred_at < clock_timestamp() - $1::double precision * interval '1 ms' limit $2::bigint
  ))`;

export const deleteHistoryJob = (
  store: DataStoreInternals,
  isReady: () => boolean,
  afterMs: number,
): MaintenanceJob => ({
  name: 'delete old history',
  intervalMs: DELETE_INTERVAL_MS,
  work: async () => {
    if (!isReady() || !Number.isFinite(afterMs)) return undefined;
    const { rowCount } = await store.inServiceTransaction((client) =>
      client.query(DELETE_OLD, [afterMs, DELETE_BATCH]),
    );
    return rowCount === DELETE_BATCH ? 0 : undefined;
  },
});
