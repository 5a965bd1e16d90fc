import { countFailedOfStore } from '@intendant/realization/internal';
import type { Workspace } from '../database/workspace.ts';
import { counted } from '../output/counted.ts';
import { shellQuoted } from '../output/shell-quoted.ts';
import type { Check } from './examination.ts';
import type { Finding } from './finding.ts';
import { byPlace, MANY_POINTS, namedPoints, type QueuePlace } from './queue-place.ts';

/** Points whose workers no longer send heartbeats. */
export const checkPoints: Check = async ({ workspace, has }) => {
  if (!(await has('intendant.enforcement_point'))) return [];
  const rows = await workspace.query<{ id: string; seconds: number }>(
    `select id, extract(epoch from clock_timestamp() - heartbeat_at)::int as seconds
     from intendant.enforcement_point
     where state = 'live' and heartbeat_at < clock_timestamp() - interval '60 s' order by heartbeat_at`,
  );
  if (rows.length > MANY_POINTS) return [manyStalePoints(rows.map(({ id }) => id))];
  return rows.map(({ id, seconds }) => ({
    check: 'stale-point',
    severity: 'warning',
    subject: `point ${id}`,
    message: `no worker has served it for ${seconds} s; resources placed there stay PENDING`,
    cure: `Start its worker, or, if the place no longer exists, intendant points remove ${shellQuoted(id)} --force.`,
  }));
};

const manyStalePoints = (points: readonly string[]): Finding => ({
  check: 'stale-point',
  severity: 'warning',
  subject: `${points.length} points`,
  message: `no worker serves ${namedPoints(points)}; resources placed there stay PENDING`,
  cure: 'Start their workers; "intendant points list --stale" shows them. "intendant points remove ID --force" forgets a place that no longer exists.',
});

/** Jobs that no worker claims, and jobs whose lease has expired, by queue. */
export const checkJobs: Check = async ({ workspace, has, olderThanMs }) => {
  if (!(await has('intendant_jobs.job_common'))) return [];
  const rows = await workspace.query<{ queue: string; overdue: number; silent: number }>(
    `select * from (
       select name as queue,
         count(*) filter (where state in ('created', 'retry') and start_after < clock_timestamp() - $1 * interval '1 ms')::int as overdue,
         count(*) filter (where state = 'active' and heartbeat_on < clock_timestamp() - interval '60 s')::int as silent
       from intendant_jobs.job_common
       where state in ('created', 'retry', 'active')
       group by name
     ) counted
     where overdue + silent > 0 order by queue`,
    [olderThanMs],
  );
  return byPlace(rows).map(([{ subject, pointNames, flags }, ofPlace]) => ({
    check: 'stuck-jobs',
    severity: 'error',
    subject,
    message: `${counted(sum(ofPlace, 'overdue'), 'job')} overdue, ${counted(sum(ofPlace, 'silent'), 'job')} of workers without a heartbeat`,
    cure: `Start a worker for ${pointNames}; then look at "intendant list ${flags} --status PENDING,IN_PROGRESS".`,
  }));
};

/** Resources whose last attempt failed and that have not been realized since, by queue. */
export const checkFailedJobs: Check = async (examination) => {
  if (!(await examination.has('intendant_jobs.job_common'))) return [];
  const rows = await countFailed(examination.workspace);
  return byPlace(rows).map(([place, ofPlace]) => ({
    check: 'failed-jobs',
    severity: 'warning',
    subject: place.subject,
    message: failedMessage(place, sum(ofPlace, 'failed')),
    cure: `intendant list ${place.flags} --status ERROR; then intendant retry ${place.flags} --status ERROR.`,
  }));
};

/** A resource may have failed at several points, so the counts of points do not add up to a count of resources. */
const failedMessage = ({ points }: QueuePlace, failed: number): string =>
  points.length === 1
    ? `${counted(failed, 'resource')} not realized after the last attempt`
    : `${failed} failures after the last attempt, at ${namedPoints(points)}`;

/** A failed job is kept for a week. In the queue of an unknown table all failed jobs are counted. */
async function countFailed(workspace: Workspace): Promise<{ queue: string; failed: number }[]> {
  const rows = await workspace.query<{ queue: string; failed: number }>(
    `select name as queue, count(*)::int as failed from intendant_jobs.job_common
     where state = 'failed' group by name order by name`,
  );
  if (rows.length === 0) return [];
  const points = (await (await workspace.realization()).pointOverview()).map(({ id }) => id);
  const counts = await countFailedOfStore(await workspace.store(), points);
  return rows
    .map(({ queue, failed }) => ({ queue, failed: counts.get(queue) ?? failed }))
    .filter(({ failed }) => failed > 0);
}

const sum = <Field extends string>(rows: readonly Readonly<Record<Field, number>>[], field: Field): number =>
  rows.reduce((total, row) => total + row[field], 0);
