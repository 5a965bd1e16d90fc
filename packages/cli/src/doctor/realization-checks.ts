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

/** Jobs that no worker claims, jobs whose lease has expired, and failed jobs, by queue. */
export const checkJobs: Check = async ({ workspace, has, olderThanMs }) => {
  if (!(await has('intendant_jobs.job_common'))) return [];
  const rows = await workspace.query<{ queue: string; overdue: number; silent: number; failed: number }>(
    `select name as queue,
       count(*) filter (where state in ('created', 'retry') and start_after < clock_timestamp() - $1 * interval '1 ms')::int as overdue,
       count(*) filter (where state = 'active' and heartbeat_on < clock_timestamp() - interval '60 s')::int as silent,
       count(*) filter (where state = 'failed')::int as failed
     from intendant_jobs.job_common
     where state in ('created', 'retry', 'active', 'failed')
     group by name order by name`,
    [olderThanMs],
  );
  return rows.flatMap(({ queue, overdue, silent, failed }) => {
    const { table, point } = placeOf(queue);
    const subject = `${table} at ${point}`;
    const flags = `${shellQuoted(table)} --point ${shellQuoted(point)}`;
    return [
      ...(overdue + silent > 0
        ? [
            {
              check: 'stuck-jobs',
              severity: 'error' as const,
              subject,
              message: `${overdue} jobs are overdue, and ${silent} belong to workers without a heartbeat`,
              cure: `Start a worker for ${point}; then look at "intendant list ${flags} --status PENDING,IN_PROGRESS".`,
            },
          ]
        : []),
      ...(failed > 0
        ? [
            {
              check: 'failed-jobs',
              severity: 'warning' as const,
              subject,
              message: `${failed} resources were given up after their last attempt`,
              cure: `intendant list ${flags} --status ERROR; then intendant retry ${flags} --status ERROR.`,
            },
          ]
        : []),
    ];
  });
};

/** The table and the point of a queue's name; see realization's job keys: parts are plain, or a dot and hex. */
function placeOf(queue: string): { table: string; point: string } {
  const [, table = queue, point = ''] = queue.split('/').map(decodePart);
  return { table, point };
}

function decodePart(part: string): string {
  return /^\.[0-9a-f]+$/.test(part) ? Buffer.from(part.slice(1), 'hex').toString('utf8') : part;
}
