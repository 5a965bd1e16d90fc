import type { DataStoreInternals } from '@intendant/core/internal';
import type { Duty } from '../background/duty.ts';

const FOLDED_TOGETHER = 20_000;
const FORGOTTEN_TOGETHER = 10_000;

/** Interval at which appended counts are added up, in milliseconds. Every summary reads those that are not added up yet. */
const FOLD_INTERVAL_MS = 2000;
const FORGET_INTERVAL_MS = 60_000;

/**
 * Several processes may do this at the same time: each takes rows that no other has locked, and adds its sums in the
 * order of the counts' key.
 */
const FOLD = `
  with taken as (
    delete from intendant.status_change
    where ctid = any (array(select ctid from intendant.status_change limit $1::bigint for update skip locked))
    returning *
  ),
  folded as (
    insert into intendant.status_count as c (table_name, org_id, instance_id, point_id, status, resources)
    select table_name, org_id, instance_id, point_id, status, sum(change) from taken
    group by 1, 2, 3, 4, 5 having sum(change) <> 0 order by 1, 2, 3, 4, 5
    on conflict (table_name, org_id, instance_id, point_id, status) do update set resources = c.resources + excluded.resources
  )
  select count(*)::int as taken from taken`;

/** Checks first, so that an idle database is not written to. */
const IS_ANY = 'select exists (select from intendant.status_change) as is_any';

export const foldDuty = (store: DataStoreInternals, isReady: () => boolean): Duty => ({
  name: 'fold counts',
  intervalMs: FOLD_INTERVAL_MS,
  work: async () => {
    if (!isReady()) return undefined;
    const { rows } = await store.inServiceTransaction((client) => client.query<{ is_any: boolean }>(IS_ANY));
    if (!rows[0]?.is_any) return undefined;
    const folded = await store.inServiceTransaction((client) =>
      client.query<{ taken: number }>(FOLD, [FOLDED_TOGETHER]),
    );
    return folded.rows[0]?.taken === FOLDED_TOGETHER ? 0 : undefined;
  },
});

const FORGET = `
  delete from intendant.status_history
  where ctid = any (array(
    select ctid from intendant.status_history
    where occurred_at < clock_timestamp() - $1::double precision * interval '1 ms' limit $2::bigint
  ))`;

export const forgetHistoryDuty = (store: DataStoreInternals, isReady: () => boolean, afterMs: number): Duty => ({
  name: 'forget history',
  intervalMs: FORGET_INTERVAL_MS,
  work: async () => {
    if (!isReady() || !Number.isFinite(afterMs)) return undefined;
    const { rowCount } = await store.inServiceTransaction((client) =>
      client.query(FORGET, [afterMs, FORGOTTEN_TOGETHER]),
    );
    return rowCount === FORGOTTEN_TOGETHER ? 0 : undefined;
  },
});
