import { arrayLiteral, type Statement } from '@intendant/core/internal';

/*
 * Storing a job notifies a sleeping worker of its queue directly; the feed would wake it too, some milliseconds
 * later. NOTIFY makes committing writers wait for one lock of the server. So a worker that goes to sleep says so in a
 * row, with the time of its next claim, and a busy worker deletes this row.
 *
 * Correctness does not depend on the bell. A job that is stored while a worker goes to sleep may not see its row;
 * then the feed wakes the worker, as it does if a notification is lost.
 */

export const JOB_BELL_CHANNEL = 'intendant_job';

/** Unlogged, because no worker sleeps after a crash. */
export const CREATE_JOB_BELL = `
create unlogged table intendant.job_bell (
  queue text primary key,
  rings_until timestamptz not null
)`;

/** Notifies, in a function that has just stored a job of this queue. Names are qualified, for functions without a search_path. */
export const ringJobBell = (queue: string): string => `
  if exists (
    select from intendant.job_bell b
    where b.queue operator(pg_catalog.=) ${queue} and b.rings_until operator(pg_catalog.>) pg_catalog.clock_timestamp()
  ) then perform pg_catalog.pg_notify('${JOB_BELL_CHANNEL}', ${queue}); end if;`;

/** Stores that a worker sleeps at these queues, and until when at most. Writes only if half of the stored time is over. */
export const armJobBell = (queues: readonly string[], sleepMs: number): Statement => ({
  name: 'arm-job-bell',
  text: `
    insert into intendant.job_bell as b (queue, rings_until)
    select q.name, clock_timestamp() + $2::double precision * interval '2 ms' from unnest($1::text[]) as q (name)
    order by q.name
    on conflict (queue) do update set rings_until = excluded.rings_until
    where b.rings_until < clock_timestamp() + $2::double precision * interval '1 ms'`,
  values: [arrayLiteral(queues), String(sleepMs)],
});

/** Deletes the rows of a worker that is busy: it claims again when it has finished. */
export const disarmJobBell = (queues: readonly string[]): Statement => ({
  name: 'disarm-job-bell',
  text: `
    update intendant.job_bell set rings_until = clock_timestamp()
    where queue = any (array(
      select b.queue from intendant.job_bell b
      where b.queue = any ($1::text[]) and b.rings_until > clock_timestamp()
      order by b.queue for update skip locked
    ))`,
  values: [arrayLiteral(queues)],
});
