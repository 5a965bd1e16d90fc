import type { DataStore } from '@intendant/core';
import type { Realization } from '@intendant/realization';
import type pg from 'pg';
import type { Workload } from '../../contestant/contestant.ts';
import { benchTable, orgOf, TENANT_ROLES } from '../../database/bench-table.ts';

/** What each operation of ours uses. */
export interface Realizer {
  readonly store: DataStore;
  readonly realization: Realization;
  readonly admin: pg.Client;
  readonly resource: ResourceTable;
  /** The same, with a trigger that notifies for each row, which the design avoids. */
  readonly notifyingResource: ResourceTable;
  /** A table of the store alone, without statuses. */
  readonly plain: ResourceTable;
}

export type ResourceTable = ReturnType<typeof benchTable>;

/** A table that once had a feed keeps it, so different tables are used with and without a feed. */
export const resourceTables = (hasFeed: boolean) => ({
  resource: benchTable(hasFeed ? 'bench_resource' : 'bench_unfed_resource'),
  notifyingResource: benchTable(hasFeed ? 'bench_notifying' : 'bench_unfed_notifying'),
});

export const plainTable = (hasFeed: boolean): ResourceTable =>
  benchTable(hasFeed ? 'bench_plain' : 'bench_unfed_plain');

export const POINT = 'E1';
/** The simultaneous callers that persist intents. */
export const CALLERS = 32;

export const tenantSession = ({ realization }: Realizer, tenant: number) =>
  realization.as({ orgId: orgOf(tenant), roles: TENANT_ROLES });

let count = 0;
export const newId = (): string => `r-${process.pid}-${count++}`;

/** Persists a new intent of one of the tenants at one point. Returns the resource's id and the number of its tenant. */
export async function persist(
  realizer: Realizer,
  { tenants }: Workload,
  table = realizer.resource,
): Promise<{ id: string; tenant: number }> {
  const id = newId();
  const tenant = count % tenants;
  const record = { id, name: 'a machine', region: 'us-west-1', cpus: 4 };
  await tenantSession(realizer, tenant).persistIntent(table, record, { enforcementPoints: [POINT] });
  return { id, tenant };
}

/** Removes all jobs and statuses of earlier turns. */
export async function forgetAll({ admin, resource: { name } }: Realizer): Promise<void> {
  await admin.query(`truncate ${name}, overall_status_${name}, enforcement_status_${name}`);
  await admin.query('delete from intendant_jobs.job');
}
