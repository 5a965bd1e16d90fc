import type { DataStoreInternals } from '@intendant/core/internal';

/** What the resync of one table at one point found since it was first served. */
export interface DriftReport {
  /** With its schema: `public.vm`. */
  readonly table: string;
  /** Id of the enforcement point. */
  readonly enforcementPoint: string;
  /** A round over all resources takes about this long. */
  readonly everyMs: number;
  /** Looks that found the resource as in its intent. */
  readonly realized: number;
  /** Looks that found it otherwise, and not at all; it was realized again. */
  readonly drifted: number;
  /** Checks that did not find the resource at all; it was realized again. */
  readonly missing: number;
  /** Looks that `observe` threw at. */
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
