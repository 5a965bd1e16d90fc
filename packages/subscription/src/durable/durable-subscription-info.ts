import { arrayLiteral, type DataStoreInternals } from '@intendant/core/internal';
import { MAX_COUNTED, MAX_NUMBERS_READ } from '../delivery/lag.ts';
import { FEED_END } from '../log/feed-end.ts';
import { SLOT_OF_ENTRY } from '../log/slot.ts';
import { formatPosition, type Position } from '../position.ts';
import { serviceQuery } from '../service-query.ts';
import { LIVE_MEMBERS } from './slots.ts';

/** One durable name: the table that it follows, its members, and its progress. */
export interface DurableSubscriptionInfo {
  /** The durable name, unique in the database. */
  readonly name: string;
  /** The table's name as defined, e.g. `vm`. */
  readonly table: string;
  /** The org whose changes the name sees; null: changes of all orgs. */
  readonly orgId: string | null;
  /** The instance whose changes the name sees; null: changes of all instances. */
  readonly instanceId: string | null;
  /** Number of subscriptions that work under the name now, in all processes. If it is 0, no process delivers changes and the lag grows. */
  readonly members: number;
  /** All changes up to this position are completed, according to the stored cursors, which may be up to 5 s old. */
  readonly position: Position;
  /**
   * Number of committed changes, of all operations, that are not yet completed. Counting stops at 10,000 and reads at
   * most the next 200,000 positions of the log. If the name is further behind, the number is a lower bound.
   */
  readonly lag: number;
  /** Number of dead letters, see `deadLetters`. */
  readonly deadLetters: number;
}

const LIST = `
with live as materialized (${LIVE_MEMBERS})
select d.name, d.table_name as table, s.org_id as "orgId", s.instance_id as "instanceId",
  (select count(*)::int from live where live.name = d.name) as members,
  c.place::text as place, lag.count as lag,
  (select count(*)::int from intendant.dead_letter l where l.name = d.name) as "deadLetters"
from intendant.durable_subscription d
cross join lateral (
  select case when d.scope <> 'all' then d.scope::jsonb->>0 end as org_id,
    case when d.scope <> 'all' then d.scope::jsonb->>1 end as instance_id
) s
cross join lateral (
  select min(seq) as place, array_agg(seq order by slot) as places from intendant.cursor where name = d.name
) c
cross join lateral (
  select count(*)::int from (
    select from intendant.change_log l
    where l.seq > c.place and l.seq <= c.place + ${MAX_NUMBERS_READ} and l.seq > c.places[1 + ${SLOT_OF_ENTRY}] and l.table_name = d.table_name
      and l.operation <> '${FEED_END}'
      and (s.org_id is null or l.org_id is null or l.org_id = s.org_id)
      and (s.instance_id is null or l.instance_id is null or l.instance_id = s.instance_id)
    limit ${MAX_COUNTED}
  ) l
) lag
where $1::text[] is null or d.name = any($1)
order by d.name`;

type Row = Omit<DurableSubscriptionInfo, 'position'> & { readonly place: string };

/** Lists all durable names, or only the given ones, in the order of their names. */
export async function listDurableSubscriptions(
  internals: DataStoreInternals,
  logId: string,
  tableName: (loggedName: string) => string,
  names?: readonly string[],
): Promise<DurableSubscriptionInfo[]> {
  const { rows } = await serviceQuery<Row>(internals, LIST, [names ? arrayLiteral(names) : null]);
  return rows.map(({ place, table, ...rest }) => ({
    ...rest,
    table: tableName(table),
    position: formatPosition(logId, Number(place)),
  }));
}
