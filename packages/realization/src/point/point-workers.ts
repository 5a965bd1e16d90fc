import { hostname } from 'node:os';
import { arrayLiteral, type Statement, type StatementResult } from '@intendant/core/internal';
import type { Labels } from '../placement/selector.ts';

/**
 * The workers of a point: one row for each worker and each announcement, with the time of its last heartbeat. A worker
 * without labels has a row too, which shows that the point is served although it is not registered. A worker that stops
 * keeps its row for a while, so that its point is still known.
 */

export const POINT_WORKER_TABLE = `
create table intendant.point_worker (
  id uuid primary key,
  point_id text not null,
  labels jsonb,
  table_names text[] not null,
  host text not null,
  process_id integer not null,
  started_at timestamptz not null default clock_timestamp(),
  heartbeat_at timestamptz not null default clock_timestamp(),
  stale_after_ms double precision not null default 60000,
  left_at timestamptz
);
create index on intendant.point_worker (point_id, heartbeat_at)`;

/** For a database of an earlier version. */
export const ADD_WORKER_COLUMNS = `
alter table intendant.point_worker
  add column stale_after_ms double precision not null default 60000, add column left_at timestamptz`;

/** A worker without a heartbeat for longer counts as dead. */
const PRESENT_MS = 30_000;

const IS_PRESENT = `left_at is null and heartbeat_at > clock_timestamp() - ${PRESENT_MS} * interval '1 ms'`;

/** Time between two heartbeats of a worker. */
export const HEARTBEAT_MS = 10_000;

const DELETED_AFTER = "interval '1 day'";

/** A worker or an announcement that serves a point. */
export interface PointWorker {
  readonly id: string;
  readonly pointId: string;
  /** Undefined: the worker does not set labels of the point. */
  readonly labels: Labels | undefined;
  readonly tables: readonly string[];
  /** How long after its last heartbeat its point is known, in milliseconds. */
  readonly staleAfterMs: number;
}

/** Sends a heartbeat for the worker and its point, also the first one; deletes workers that died long ago. */
export const heartbeat = ({ id, pointId, labels, tables, staleAfterMs }: PointWorker): Statement[] => [
  {
    name: 'worker-heartbeat',
    text: `
      insert into intendant.point_worker (id, point_id, labels, table_names, host, process_id, stale_after_ms)
      values ($1, $2, $3::jsonb, $4::text[], $5, $6::integer, $7::double precision)
      on conflict (id) do update set heartbeat_at = clock_timestamp()`,
    values: [
      id,
      pointId,
      labels === undefined ? null : JSON.stringify(labels),
      arrayLiteral(tables),
      hostname(),
      String(process.pid),
      String(staleAfterMs),
    ],
  },
  {
    name: 'point-heartbeat',
    text: `update intendant.enforcement_point set heartbeat_at = clock_timestamp() where id = $1 and state = 'live'`,
    values: [pointId],
  },
  {
    name: 'forget-dead-workers',
    text: `delete from intendant.point_worker where point_id = $1 and heartbeat_at < clock_timestamp() - ${DELETED_AFTER}`,
    values: [pointId],
  },
];

export const leave = ({ id }: PointWorker): Statement => ({
  name: 'worker-leaves',
  text: 'update intendant.point_worker set left_at = clock_timestamp() where id = $1',
  values: [id],
});

/** Returns a live worker that announces other labels for the point. */
export interface ConflictingWorker {
  readonly labels: Labels;
  readonly host: string;
  readonly processId: number;
}

export const findConflictingWorker = (pointId: string, labels: Labels): Statement => ({
  name: 'find-conflicting',
  text: `
    select labels, host, process_id from intendant.point_worker
    where point_id = $1 and labels is not null and labels <> $2::jsonb and ${IS_PRESENT}
    order by started_at limit 1`,
  values: [pointId, JSON.stringify(labels)],
});

export function conflictingWorkerOf({ rows }: StatementResult): ConflictingWorker | undefined {
  const [row] = rows;
  if (row === undefined) return undefined;
  const [labels, host, processId] = row;
  return { labels: JSON.parse(String(labels)) as Labels, host: String(host), processId: Number(processId) };
}

/** The number of workers of each point with a recent heartbeat. Runs as the login. */
export const countWorkers: Statement = {
  name: 'count-workers',
  text: `
    select point_id, count(*) from intendant.point_worker
    where ${IS_PRESENT} group by point_id`,
};

export const workerCounts = ({ rows }: StatementResult): Map<string, number> =>
  new Map(rows.map(([point, workers]) => [String(point), Number(workers)]));
