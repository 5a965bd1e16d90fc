import { countFailedOfStore } from '@intendant/realization/internal';
import type { Workspace } from '../database/workspace.ts';
import { counted } from '../output/counted.ts';
import { shellQuoted } from '../output/shell-quoted.ts';
import type { Check } from './examination.ts';

/** Points whose workers no longer send heartbeats. */
export const checkPoints: Check = async ({ workspace, has }) => {
  if (!(await has('intendant.enforcement_point'))) return [];
  const rows = await workspace.query<{ id: string; seconds: number }>(
    `select id, extract(epoch from clock_timestamp() - heartbeat_at)::int as seconds
     from intendant.enforcement_point
     where state = 'live' and heartbeat_at < clock_timestamp() - interval '60 s' order by heartbeat_at`,
  );
  return rows.map(({ id, seconds }) => ({
    check: 'stale-point',
    severity: 'warning',
    subject: `point ${id}`,
    message: `no worker has served it for ${seconds} s; resources placed there stay PENDING`,
    cure: `Start its worker, or, if the place no longer exists, intendant points remove ${shellQuoted(id)} --force.`,
  }));
};

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
  return rows.map(({ queue, overdue, silent }) => {
    const { subject, point, flags } = describeQueue(queue);
    return {
      check: 'stuck-jobs',
      severity: 'error',
      subject,
      message: `${counted(overdue, 'job')} overdue, ${counted(silent, 'job')} of workers without a heartbeat`,
      cure: `Start a worker for ${point}; then look at "intendant list ${flags} --status PENDING,IN_PROGRESS".`,
    };
  });
};

/** Resources whose last attempt failed and that have not been realized since, by queue. */
export const checkFailedJobs: Check = async (examination) => {
  if (!(await examination.has('intendant_jobs.job_common'))) return [];
  const rows = await countFailed(examination.workspace);
  return rows.map(({ queue, failed }) => {
    const { subject, flags } = describeQueue(queue);
    return {
      check: 'failed-jobs',
      severity: 'warning',
      subject,
      message: `${counted(failed, 'resource')} not realized after the last attempt`,
      cure: `intendant list ${flags} --status ERROR; then intendant retry ${flags} --status ERROR.`,
    };
  });
};

/** A failed job is kept for a week. Of the queue of an unknown table all failed jobs count. */
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

function describeQueue(queue: string): { readonly subject: string; readonly point: string; readonly flags: string } {
  const { table, point } = placeOf(queue);
  return { subject: `${table} at ${point}`, point, flags: `${shellQuoted(table)} --point ${shellQuoted(point)}` };
}

/** The table and the point of a queue's name; see realization's job keys: parts are plain, or a dot and hex. */
function placeOf(queue: string): { table: string; point: string } {
  const [, table = queue, point = ''] = queue.split('/').map(decodePart);
  return { table, point };
}

function decodePart(part: string): string {
  return /^\.[0-9a-f]+$/.test(part) ? Buffer.from(part.slice(1), 'hex').toString('utf8') : part;
}
