import type { Executor, Scope } from '@intendant/core/internal';
import { readSummary, type StatusCounts, statusesAt } from '../history/summary.ts';
import type { JobQueue } from '../job/job-queue.ts';
import { type QueueDepth, readQueueDepths } from '../job/pending-jobs.ts';
import type { Labels } from '../placement/selector.ts';
import { type EnforcementPoint, listPoints, type PointState } from '../point/point-registry.ts';
import { countWorkers, workerCounts } from '../point/point-workers.ts';
import type { StatusTables } from '../resource/status-tables.ts';
import { countFailedResources, queuesOf } from './failed-resources.ts';

/** An enforcement point, as an operator sees it. */
export interface PointOverview {
  /** The point's id. */
  readonly id: string;
  /** `unregistered`: intents named it or a worker serves it, but it was neither announced nor added. */
  readonly state: PointState | 'unregistered';
  /** Empty for a point that is not registered. */
  readonly labels: Labels;
  /** The tables whose resources may be placed there, with their schema. Empty for a point that is not registered. */
  readonly tables: readonly string[];
  /** When the last heartbeat was received; null for a point that is not registered. */
  readonly heartbeatAt: Date | null;
  /** Number of workers and announcements with a heartbeat in the last 30 seconds, in all processes. */
  readonly workers: number;
  /** The caller's resources at the point by status, for each table that has any. */
  readonly statuses: ReadonlyMap<string, StatusCounts>;
  /** The caller's jobs at the point, of all tables. */
  readonly queue: QueueDepth;
}

/** Returns all points that are registered, served or used, by id. Only the caller's own resources and jobs are counted. */
export async function readPointOverview(
  executor: Executor,
  jobQueue: JobQueue,
  scope: Scope,
  tables: readonly StatusTables[],
): Promise<PointOverview[]> {
  const summaries = await readSummary(executor, scope, tables);
  const registered = await listPoints((statements) => jobQueue.run(statements));
  const { counted } = await jobQueue.run({ counted: countWorkers });
  const workers = workerCounts(counted);
  const byId = new Map(registered.map((point) => [point.id, point]));
  const used = summaries.flatMap(({ points }) => [...points.keys()]);
  const ids = [...new Set([...byId.keys(), ...workers.keys(), ...used])].sort();
  const depths = await depthsByPoint(executor, jobQueue, scope, tables, ids);
  return ids.map((id) => ({
    ...registration(byId.get(id)),
    id,
    workers: workers.get(id) ?? 0,
    statuses: statusesAt(id, summaries),
    queue: depths.get(id) ?? EMPTY,
  }));
}

const registration = (point: EnforcementPoint | undefined) => ({
  state: point?.state ?? ('unregistered' as const),
  labels: point?.labels ?? {},
  tables: point?.tables ?? [],
  heartbeatAt: point?.heartbeatAt ?? null,
});

const EMPTY: QueueDepth = { waiting: 0, due: 0, running: 0, failed: 0, oldestDueAt: null };

async function depthsByPoint(
  executor: Executor,
  jobQueue: JobQueue,
  scope: Scope,
  tables: readonly StatusTables[],
  ids: readonly string[],
): Promise<Map<string, QueueDepth>> {
  const queues = queuesOf(tables, ids);
  const orgId = scope.role.startsWith('tenant_') ? scope.orgId : undefined;
  const stored = await readQueueDepths(jobQueue, [...queues.keys()], orgId);
  const withFailed = new Map([...queues].filter(([queue]) => (stored.get(queue)?.failed ?? 0) > 0));
  const failed =
    withFailed.size === 0 ? undefined : await countFailedResources(executor, jobQueue, scope, withFailed, orgId);
  const depths = new Map<string, QueueDepth>();
  for (const [queue, depth] of stored) {
    const id = queues.get(queue)?.enforcementPoint as string;
    depths.set(id, sumOf(depths.get(id) ?? EMPTY, { ...depth, failed: failed?.get(queue) ?? 0 }));
  }
  return depths;
}

const sumOf = (left: QueueDepth, right: QueueDepth): QueueDepth => ({
  waiting: left.waiting + right.waiting,
  due: left.due + right.due,
  running: left.running + right.running,
  failed: left.failed + right.failed,
  oldestDueAt: earlier(left.oldestDueAt, right.oldestDueAt),
});

const earlier = (left: Date | null, right: Date | null): Date | null =>
  left === null || (right !== null && right < left) ? right : left;
