import { arrayLiteral, type Executor } from '@intendant/core/internal';
import { STATUS_WEIGHTS } from '@intendant/realization';
import type { Access } from '../caller/access.ts';
import { scopedQuery } from '../scoped-query.ts';

/** What happened in one minute. */
export interface MinuteActivity {
  readonly minute: Date;
  readonly realized: number;
  readonly failed: number;
  /** From PENDING to REALIZED of one revision at one point, in milliseconds; null when nothing was realized. */
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
}

const MINUTES = 30;
/** On a busy service the latest of so many status changes stand for all. */
const SAMPLE = 50_000;

/** The last minutes, the oldest first; a minute in which nothing happened is there too. */
export async function readActivity(executor: Executor, { tables }: Access): Promise<MinuteActivity[]> {
  const scope = tables[0]?.scope;
  if (!scope) return [];
  const names = tables.map(({ resource }) => `${resource.schemaName}.${resource.name}`);
  const statement = { name: 'activity', text: ACTIVITY, values: [arrayLiteral(names)] };
  const rows = await scopedQuery(executor, scope, 'activity', statement);
  return rows.map(([minute, realized, failed, p50, p99]) => ({
    minute: new Date(minute as string),
    realized: Number(realized),
    failed: Number(failed),
    p50Ms: p50 === null || p50 === undefined ? null : Number(p50),
    p99Ms: p99 === null || p99 === undefined ? null : Number(p99),
  }));
}

const ACTIVITY = `
  with recent as (
    select * from (
      select table_name, org_id, instance_id, key, point_id, revision, status, occurred_at
      from intendant.status_history
      where occurred_at > date_trunc('minute', clock_timestamp()) - interval '${MINUTES - 1} minutes'
        and table_name = any ($1::text[])
        and status in (${STATUS_WEIGHTS.PENDING}, ${STATUS_WEIGHTS.REALIZED}, ${STATUS_WEIGHTS.ERROR})
      order by occurred_at desc
      limit ${SAMPLE}
    ) sampled
  ),
  timed as (
    select date_trunc('minute', occurred_at) as minute, status, extract(epoch from occurred_at - min(occurred_at) filter (
      where status = ${STATUS_WEIGHTS.PENDING}
    ) over (partition by table_name, org_id, instance_id, key, point_id, revision)) * 1000 as latency_ms
    from recent
  )
  select m.minute::text, count(*) filter (where t.status = ${STATUS_WEIGHTS.REALIZED}),
    count(*) filter (where t.status = ${STATUS_WEIGHTS.ERROR}),
    percentile_cont(0.5) within group (order by t.latency_ms) filter (where t.status = ${STATUS_WEIGHTS.REALIZED}),
    percentile_cont(0.99) within group (order by t.latency_ms) filter (where t.status = ${STATUS_WEIGHTS.REALIZED})
  from generate_series(date_trunc('minute', clock_timestamp()) - interval '${MINUTES - 1} minutes',
    date_trunc('minute', clock_timestamp()), interval '1 minute') as m (minute)
  left join timed t on t.minute = m.minute
  group by 1
  order by 1`;
