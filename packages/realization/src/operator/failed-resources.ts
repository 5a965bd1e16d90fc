import type { DataStore } from '@intendant/core';
import {
  arrayLiteral,
  type Executor,
  internalsOf,
  quoteIdentifier,
  type Scope,
  type Statement,
} from '@intendant/core/internal';
import { queueName } from '../job/job-key.ts';
import { JobQueue } from '../job/job-queue.ts';
import { type FailedJob, readFailedJobs } from '../job/pending-jobs.ts';
import { resourceOf } from '../resource/resource-rows.ts';
import { SERVICE_SCOPE } from '../resource/service-scope.ts';
import { POINT_COLUMN, perStatusTables, type StatusTables, statusTablesAmong } from '../resource/status-tables.ts';
import { STATUS_WEIGHTS } from '../status/status.ts';

/** The place of a queue: a table at a point. */
export interface QueuePlace {
  readonly tables: StatusTables;
  readonly enforcementPoint: string;
}

/** The queues of these tables at these points, by name. */
export const queuesOf = (tables: readonly StatusTables[], points: readonly string[]): Map<string, QueuePlace> =>
  new Map(
    points.flatMap((enforcementPoint) =>
      tables.map((of) => [
        queueName(of.resource.schemaName, of.resource.name, enforcementPoint),
        { tables: of, enforcementPoint },
      ]),
    ),
  );

/**
 * Returns the number of resources with failed jobs, by queue; a queue without any is absent. A failed job is kept for a
 * week, so a resource that has been realized since, or no longer exists, is not counted. Starts from the failed jobs.
 */
export async function countFailedResources(
  executor: Executor,
  jobQueue: JobQueue,
  scope: Scope,
  queues: ReadonlyMap<string, QueuePlace>,
  orgId: string | undefined,
): Promise<Map<string, number>> {
  const jobs = await readFailedJobs(jobQueue, [...queues.keys()], orgId);
  const byTables = Map.groupBy(jobs, ({ queue }) => (queues.get(queue) as QueuePlace).tables);
  if (byTables.size === 0) return new Map();
  const results = await executor.run(
    scope,
    [...byTables].map(([tables, ofTable]) => countUnsettled(tables, queues, ofTable)),
  );
  return new Map(results.flatMap(({ rows }) => rows.map(([queue, count]) => [String(queue), Number(count)] as const)));
}

/**
 * The same for all tenants, at these points, of all tables with a status that the store has registered. A queue of them
 * without failed jobs has 0.
 */
export async function countFailedOfStore(store: DataStore, points: readonly string[]): Promise<Map<string, number>> {
  const internals = internalsOf(store);
  const queues = queuesOf(statusTablesAmong(internals.tables()), points);
  const jobQueue = new JobQueue(internals);
  const counts = await countFailedResources(internals.executor, jobQueue, SERVICE_SCOPE, queues, undefined);
  return new Map([...queues.keys()].map((queue) => [queue, counts.get(queue) ?? 0]));
}

const countUnsettled = (
  tables: StatusTables,
  queues: ReadonlyMap<string, QueuePlace>,
  jobs: readonly FailedJob[],
): Statement => ({
  name: 'count-failed-resources',
  text: unsettledSql(tables),
  values: [
    arrayLiteral(jobs, ({ queue }) => queue),
    arrayLiteral(jobs, ({ queue }) => queues.get(queue)?.enforcementPoint ?? null),
    arrayLiteral(jobs, ({ identity }) => identity),
  ],
});

const unsettledSql = perStatusTables((tables) => {
  const { overall, enforcement } = tables;
  const same = overall.identity.map(
    ({ name, format }, index) => `e.${quoteIdentifier(name)} = (f.identity->>${index})::${format.sqlType}`,
  );
  return `
    select f.queue, count(*)
    from unnest($1::text[], $2::text[], $3::jsonb[]) as f (queue, point, identity)
    join ${enforcement.qualifiedName} e on e.${POINT_COLUMN} = f.point and ${same.join(' and ')}
    left join ${resourceOf(tables, 'e')}
    where e.realization_status not in (${STATUS_WEIGHTS.REALIZED}, ${STATUS_WEIGHTS.DELETION_REALIZED})
      or not e.is_removal and e.resource_revision < r.revision
    group by f.queue`;
});
