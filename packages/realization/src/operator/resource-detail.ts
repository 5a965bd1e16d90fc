import { type AnyTable, type KeyOf, RecordNotFoundError, type RecordOf } from '@intendant/core';
import type { Executor } from '@intendant/core/internal';
import { describeKey, quoteIdentifier, readRow, type Scope } from '@intendant/core/internal';
import type { JobQueue } from '../job/job-queue.ts';
import { type PendingJob, readJobsOf } from '../job/pending-jobs.ts';
import { type PointState, pointStates, statesOf } from '../point/point-registry.ts';
import { identitySql } from '../resource/identity-set.ts';
import { identityOf } from '../resource/resource-identity.ts';
import { resourceOf } from '../resource/resource-rows.ts';
import { keyTable, POINT_COLUMN, perStatusTables, type StatusTables } from '../resource/status-tables.ts';
import type { StatusRecord } from '../status/read-status.ts';
import { type Status, statusOfWeight } from '../status/status.ts';
import { overallJson, readOverallJson } from './status-json.ts';

/** A resource at one enforcement point. */
export interface PointDetail {
  /** Id of the enforcement point. */
  readonly enforcementPoint: string;
  /** The state of the point: `stale` means that no worker serves it. */
  readonly pointState: PointState | 'unregistered';
  /** The status at this point. */
  readonly status: Status;
  /** The revision of the resource that the status belongs to. */
  readonly revision: number;
  /** Whether the resource is to be removed from this point. */
  readonly isRemoval: boolean;
  /** The number of the worker's attempt that wrote the status; null if no worker wrote it. */
  readonly attempt: number | null;
  /** When the status row was last changed. */
  readonly since: Date;
  /** The errors, newest first; empty if there are none. */
  readonly error: string;
  /** The state of the job. `failed`: its attempts are used up, and it is not repeated until `retry`. Null: there is none. */
  readonly job: PendingJob['state'] | null;
  /** When the next attempt is due; null if none waits. */
  readonly nextAttemptAt: Date | null;
}

/** One resource with its status and job at each enforcement point. */
export interface ResourceDetail<T extends AnyTable> {
  /** Its key columns, and its org and instance where the table has them. */
  readonly key: Extract<KeyOf<T>, object>;
  /** Null when the resource's row no longer exists and only its statuses do. */
  readonly record: RecordOf<T> | null;
  /** The overall status. */
  readonly overall: StatusRecord;
  /** The statuses at the points, by their ids. */
  readonly points: readonly PointDetail[];
}

/** Reads the statuses under the caller's scope, then the jobs of this resource and the states of its points. */
export async function readDetail<T extends AnyTable>(
  executor: Executor,
  jobQueue: JobQueue,
  scope: Scope,
  tables: StatusTables,
  key: unknown,
): Promise<ResourceDetail<T>> {
  const identity = identityOf(keyTable(tables), scope, key);
  const { found } = await executor.run(scope, {
    found: { name: 'read-detail', text: detailSql(tables), values: identity },
  });
  const [row] = found.rows;
  if (row === undefined) throw notFound(tables, key);
  const [overall, points, isThere, ...rest] = row;
  const identityTexts = rest.slice(0, identity.length).map(String);
  const statuses = JSON.parse(points ?? '[]') as PointTuple[];
  const jobs = await readJobsOf(
    jobQueue,
    tables,
    identityTexts,
    statuses.map(([point]) => point),
  );
  const { registered } = await jobQueue.run({ registered: pointStates(statuses.map(([point]) => point)) });
  const states = statesOf(registered);
  const named = tables.overall.identity.map(({ field, format }, index) => [
    field,
    format.decode(String(identityTexts[index])),
  ]);
  return {
    key: Object.fromEntries(named) as Extract<KeyOf<T>, object>,
    record: isThere === 't' ? (readRow(tables.resource, rest.slice(identity.length)) as RecordOf<T>) : null,
    overall: readOverallJson(overall),
    points: statuses.map((status) => pointDetail(status, jobs.get(status[0]), states.get(status[0]))),
  };
}

type PointTuple = readonly [string, number, number, boolean, number | null, string, string];

const detailSql = perStatusTables((tables) => {
  const { of, same } = identitySql(tables.overall);
  const condition = tables.overall.identity.map(({ name }, index) => `o.${quoteIdentifier(name)} = $${index + 1}`);
  const columns = tables.resource.columns.map(({ name }) => `r.${quoteIdentifier(name)}`).join(', ');
  return `
    select ${overallJson('o')}, (
        select json_agg(json_build_array(e.${POINT_COLUMN}, e.realization_status, e.resource_revision, e.is_removal, e.attempt, e.updated_at, e.additional_details)
          order by e.${POINT_COLUMN})
        from ${tables.enforcement.qualifiedName} e where ${same('e', 'o')}
      ), r.revision is not null, ${of('o')}, ${columns}
    from ${tables.overall.qualifiedName} o
    left join ${resourceOf(tables, 'o')}
    where ${condition.join(' and ')} and o.realization_status > 0`;
});

const pointDetail = (
  [enforcementPoint, weight, revision, isRemoval, attempt, since, error]: PointTuple,
  job: PendingJob | undefined,
  pointState: PointDetail['pointState'] = 'unregistered',
): PointDetail => {
  const status = statusOfWeight(weight);
  return {
    enforcementPoint,
    pointState,
    status,
    revision,
    isRemoval,
    attempt,
    since: new Date(since),
    error,
    job: job === undefined || isOutdated(job, status) ? null : job.state,
    nextAttemptAt: job?.dueAt ?? null,
  };
};

/** A failed job is kept for a week, although a later job has succeeded. */
const isOutdated = ({ state }: PendingJob, status: Status): boolean =>
  state === 'failed' && (status === 'REALIZED' || status === 'DELETION_REALIZED');

const notFound = ({ resource }: StatusTables, key: unknown): RecordNotFoundError =>
  new RecordNotFoundError(
    `${resource.name} ${JSON.stringify(describeKey(resource, key))}: no resource was persisted under this key, or it is not visible to the caller`,
    { details: { table: resource.name, key: describeKey(resource, key) } },
  );
