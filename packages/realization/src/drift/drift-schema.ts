import type { ClientBase } from 'pg';

/** The progress of each table's resync at each point, and its results. */
const RESYNC_TABLE = `
create table intendant.resync (
  table_name text not null,
  point_id text not null,
  every_ms double precision not null,
  reached jsonb,
  next_at timestamptz not null default clock_timestamp(),
  served_at timestamptz not null default clock_timestamp(),
  realized bigint not null default 0,
  drifted bigint not null default 0,
  missing bigint not null default 0,
  failed bigint not null default 0,
  last_checked_at timestamptz,
  last_drift_at timestamptz,
  primary key (table_name, point_id)
)`;

export async function planDrift(client: ClientBase): Promise<string[]> {
  const found = await client.query("select to_regclass('intendant.resync') is not null as is_there");
  return found.rows[0].is_there ? [] : [RESYNC_TABLE];
}
