import type { DataStoreInternals } from '@intendant/core/internal';

/** The results of the resync of one table at one point, since the point was first served. */
export interface DriftReport {
  /** The table's name with its schema: `public.vm`. */
  readonly table: string;
  /** Id of the enforcement point. */
  readonly enforcementPoint: string;
  /** The approximate duration of a round over all resources, in milliseconds. */
  readonly everyMs: number;
  /** Number of checks that found the resource as in its intent. */
  readonly realized: number;
  /** Number of checks that found a difference; the resource was realized again. */
  readonly drifted: number;
  /** Number of checks that did not find the resource at all; it was realized again. */
  readonly missing: number;
  /** Number of checks in which `observe` threw. */
  readonly failed: number;
  /** When a resource was last checked; null before the first check. */
  readonly lastCheckedAt: Date | null;
  /** When a check last found a drifted or missing resource; null if none did. */
  readonly lastDriftAt: Date | null;
}

export async function readDrift(store: DataStoreInternals): Promise<DriftReport[]> {
  const { rows } = await store.inServiceTransaction((client) =>
    client.query(`
    select table_name as table, point_id as "enforcementPoint", every_ms as "everyMs", realized::float8, drifted::float8,
      missing::float8, failed::float8, last_checked_at as "lastCheckedAt", last_drift_at as "lastDriftAt"
    from intendant.resync order by table_name, point_id`),
  );
  return rows as DriftReport[];
}
