import type { Executor } from '@intendant/core/internal';
import type { Status } from '@intendant/realization';
import type { Access, ReadableTable } from '../caller/access.ts';
import { statusOfWeight } from '../resource/status-of-weight.ts';
import { scopedQuery } from '../scoped-query.ts';

/** The number of resources of a table by overall status. */
export interface StatusTotals {
  readonly table: string;
  readonly statuses: Partial<Record<Status, number>>;
}

/** The totals of each table, from the stored counts. Those of points are left out: with many points they are many rows. */
export const readStatusTotals = (executor: Executor, { tables }: Access): Promise<StatusTotals[]> =>
  Promise.all(tables.map((table) => totalsOf(executor, table)));

async function totalsOf(executor: Executor, { scope, resource }: ReadableTable): Promise<StatusTotals> {
  const statement = { name: 'status-totals', text: TOTALS, values: [`${resource.schemaName}.${resource.name}`] };
  const rows = await scopedQuery(executor, scope, 'status totals', statement);
  const statuses = rows.map(([weight, resources]) => [statusOfWeight(Number(weight)), Number(resources)] as const);
  return { table: resource.name, statuses: Object.fromEntries(statuses) };
}

const TOTALS = `
  select status, sum(resources)
  from (
    select status, resources from intendant.status_count where table_name = $1 and point_id = ''
    union all
    select status, change from intendant.status_change where table_name = $1 and point_id = ''
  ) counted
  group by 1
  having sum(resources) <> 0`;
