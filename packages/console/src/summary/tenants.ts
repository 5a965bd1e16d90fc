import { arrayLiteral, type Executor } from '@intendant/core/internal';
import type { Status } from '@intendant/realization';
import type { Access } from '../caller/access.ts';
import { statusOfWeight } from '../resource/status-of-weight.ts';
import { scopedQuery } from '../scoped-query.ts';

export interface TenantSummary {
  readonly orgId: string;
  readonly total: number;
  readonly statuses: Partial<Record<Status, number>>;
}

/** All tenants with resources, those with the most errors first. Read from the counts, not from the status tables. */
export async function readTenants(executor: Executor, { tables }: Access): Promise<TenantSummary[]> {
  const scope = tables[0]?.scope;
  if (!scope) return [];
  const names = tables.map(({ resource }) => `${resource.schemaName}.${resource.name}`);
  const statement = { name: 'tenants', text: TENANTS, values: [arrayLiteral(names)] };
  const rows = await scopedQuery(executor, scope, 'tenants', statement);
  const byOrg = Map.groupBy(rows, ([orgId]) => orgId as string);
  return [...byOrg].map(([orgId, rows]) => toTenant(orgId, rows)).sort(byErrors);
}

function toTenant(orgId: string, rows: readonly (readonly (string | null)[])[]): TenantSummary {
  const counts = rows.map(([, weight, resources]) => [statusOfWeight(Number(weight)), Number(resources)] as const);
  return {
    orgId,
    total: counts.reduce((sum, [, count]) => sum + count, 0),
    statuses: Object.fromEntries(counts),
  };
}

const byErrors = (a: TenantSummary, b: TenantSummary): number =>
  (b.statuses.ERROR ?? 0) - (a.statuses.ERROR ?? 0) || (a.orgId < b.orgId ? -1 : 1);

const TENANTS = `
  select org_id, status, sum(resources)
  from (
    select org_id, status, resources from intendant.status_count where table_name = any ($1::text[]) and point_id = ''
    union all
    select org_id, status, change from intendant.status_change where table_name = any ($1::text[]) and point_id = ''
  ) counted
  group by 1, 2
  having sum(resources) <> 0`;
