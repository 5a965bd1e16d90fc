import { arrayLiteral, type Executor, type Scope, type StatementResult } from '@intendant/core/internal';
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
/** About this many status changes are enough to estimate percentiles. On a busy service only a share of the keys is read. */
const SAMPLE = 20_000;
/** Keys are divided into this many shares by their hash. A power of two. */
const SHARES = 1024;

/** The last minutes, oldest first. Minutes without changes are included. */
export async function readActivity(executor: Executor, { tables }: Access): Promise<MinuteActivity[]> {
  const scope = tables[0]?.scope;
  if (!scope) return [];
  const names = arrayLiteral(tables.map(({ resource }) => `${resource.schemaName}.${resource.name}`));
  const counts = await read(executor, scope, 'activity', COUNTS, [names]);
  const changes = counts.reduce((sum, [, , , all]) => sum + Number(all), 0);
  const shares = Math.ceil((SHARES * SAMPLE) / Math.max(changes, SAMPLE));
  const latencies = await read(executor, scope, 'latencies', LATENCIES, [names, String(shares)]);
  const byMinute = new Map(latencies.map(([minute, p50, p99]) => [minute, { p50Ms: Number(p50), p99Ms: Number(p99) }]));
  return counts.map(([minute, realized, failed]) => ({
    minute: new Date(minute as string),
    realized: Number(realized),
    failed: Number(failed),
    ...(byMinute.get(minute as string) ?? { p50Ms: null, p99Ms: null }),
  }));
}

const read = (
  executor: Executor,
  scope: Scope,
  name: string,
  text: string,
  values: readonly string[],
): Promise<StatementResult['rows']> => scopedQuery(executor, scope, name, { name, text, values });

const FIRST_MINUTE = `date_trunc('minute', clock_timestamp()) - interval '${MINUTES - 1} minutes'`;

const COUNTS = `
  select m.minute::text, coalesce(c.realized, 0), coalesce(c.failed, 0), coalesce(c.changes, 0)
  from generate_series(${FIRST_MINUTE}, date_trunc('minute', clock_timestamp()), interval '1 minute') as m (minute)
  left join (
    select date_trunc('minute', occurred_at) as minute, count(*) as changes,
      count(*) filter (where status = ${STATUS_WEIGHTS.REALIZED}) as realized,
      count(*) filter (where status = ${STATUS_WEIGHTS.ERROR}) as failed
    from intendant.status_history
    where occurred_at > ${FIRST_MINUTE} and table_name = any ($1::text[])
    group by 1
  ) c on c.minute = m.minute
  order by m.minute`;

const LATENCIES = `
  select minute::text, percentile_cont(0.5) within group (order by latency_ms), percentile_cont(0.99) within group (order by latency_ms)
  from (
    select date_trunc('minute', occurred_at) as minute, status, extract(epoch from occurred_at - min(occurred_at) filter (
      where status = ${STATUS_WEIGHTS.PENDING}
    ) over (partition by table_name, org_id, instance_id, key, point_id, revision)) * 1000 as latency_ms
    from intendant.status_history
    where occurred_at > ${FIRST_MINUTE} and table_name = any ($1::text[])
      and status in (${STATUS_WEIGHTS.PENDING}, ${STATUS_WEIGHTS.REALIZED})
      and (hash_array(key) & ${SHARES - 1}) < $2::integer
  ) timed
  where status = ${STATUS_WEIGHTS.REALIZED} and latency_ms is not null
  group by 1`;
