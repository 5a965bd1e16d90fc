import { arrayLiteral } from '@intendant/core/internal';
import { readTime } from '../resource/json-time.ts';
import type { StatusTables } from '../resource/status-tables.ts';
import { JOBS_SCHEMA } from './job-functions.ts';
import { jobKey, queueName } from './job-key.ts';
import type { JobQueue } from './job-queue.ts';

/** A waiting, running or failed job of one resource at one point. */
export interface PendingJob {
  readonly state: 'running' | 'waiting' | 'failed';
  /** When a job that waits is due. */
  readonly dueAt: Date | null;
}

/**
 * Reads the jobs of one resource, by point. Runs as the login, so the caller must be allowed to read the resource.
 * The identity is given as texts, as in jobs.
 */
export async function readJobsOf(
  jobQueue: JobQueue,
  { resource }: StatusTables,
  identity: readonly string[],
  points: readonly string[],
): Promise<Map<string, PendingJob>> {
  if (points.length === 0) return new Map();
  const pointOf = new Map(points.map((point) => [queueName(resource.schemaName, resource.name, point), point]));
  const { found } = await jobQueue.run({
    found: {
      name: 'jobs-of-resource',
      text: JOBS_OF_RESOURCE,
      values: [arrayLiteral([...pointOf.keys()]), jobKey(identity)],
    },
  });
  return new Map(
    found.rows.map(([queue, state, dueAt]) => [
      pointOf.get(String(queue)) as string,
      { state: state as PendingJob['state'], dueAt: dueAt ? readTime(dueAt) : null },
    ]),
  );
}

/** A running job takes precedence over a waiting one, and both over a failed one. */
const JOBS_OF_RESOURCE = `
  select name,
    case when bool_or(state = 'active') then 'running' when bool_or(state < 'active') then 'waiting' else 'failed' end,
    to_json(min(start_after) filter (where state < 'active'))
  from (
    select j.name, j.state, j.start_after from ${JOBS_SCHEMA}.job_common j
    where j.name = any ($1::text[]) and j.policy = 'stately' and j.state <= 'active' and coalesce(j.singleton_key, '') = $2
    union all
    select j.name, j.state, j.start_after from ${JOBS_SCHEMA}.job_common j
    where j.name = any ($1::text[]) and j.state = 'failed' and j.singleton_key = $2
  ) own
  group by name`;

/** The jobs of one table at one point. */
export interface QueueDepth {
  /** Number of waiting jobs, including those that wait for a retry. */
  readonly waiting: number;
  /** Number of waiting jobs that are due now. */
  readonly due: number;
  /** Number of jobs that a worker has claimed. */
  readonly running: number;
  /** Number of resources whose attempts are used up and that have not been realized since. */
  readonly failed: number;
  /** When the job that has been due for longest became due; null if none is due. */
  readonly oldestDueAt: Date | null;
}

/**
 * The counts by queue: of one org's jobs, or of all if `orgId` is undefined. Runs as the login. `failed` is the number
 * of all failed jobs that are stored, also of resources that have been realized since: see `countFailedResources`.
 */
export async function readQueueDepths(
  jobQueue: JobQueue,
  queues: readonly string[],
  orgId: string | undefined,
): Promise<Map<string, QueueDepth>> {
  const { found } = await jobQueue.run({
    found: { name: 'queue-depths', text: QUEUE_DEPTHS, values: [arrayLiteral(queues), orgId ?? null] },
  });
  return new Map(found.rows.map((row) => [String(row[0]), readDepth(row)]));
}

const readDepth = ([, waiting, due, running, failed, oldest]: readonly (string | null)[]): QueueDepth => ({
  waiting: Number(waiting),
  due: Number(due),
  running: Number(running),
  failed: Number(failed),
  oldestDueAt: oldest ? readTime(oldest) : null,
});

const QUEUE_DEPTHS = `
  select j.name, count(*) filter (where j.state < 'active'),
    count(*) filter (where j.state < 'active' and j.start_after <= statement_timestamp()),
    count(*) filter (where j.state = 'active'), count(*) filter (where j.state = 'failed'),
    to_json(min(j.start_after) filter (where j.state < 'active' and j.start_after <= statement_timestamp()))
  from ${JOBS_SCHEMA}.job_common j
  where j.name = any ($1::text[]) and j.state in ('created', 'retry', 'active', 'failed') and ($2::text is null or j.group_id = $2)
  group by j.name`;

/** A resource with a failed job in a queue. */
export interface FailedJob {
  readonly queue: string;
  /** The identity as a JSON array of texts. */
  readonly identity: string | null;
}

/** The resources with failed jobs: of one org, or of all if `orgId` is undefined. Runs as the login. */
export async function readFailedJobs(
  jobQueue: JobQueue,
  queues: readonly string[],
  orgId: string | undefined,
): Promise<FailedJob[]> {
  const { found } = await jobQueue.run({
    found: { name: 'failed-jobs', text: FAILED_JOBS, values: [arrayLiteral(queues), orgId ?? null] },
  });
  return found.rows.map(([queue, identity]) => ({ queue: String(queue), identity: identity ?? null }));
}

const FAILED_JOBS = `
  select distinct j.name, j.data->'identity'
  from ${JOBS_SCHEMA}.job_common j
  where j.name = any ($1::text[]) and j.state = 'failed' and ($2::text is null or j.group_id = $2)`;
