import pg from 'pg';
import type { PgBoss } from 'pg-boss';
import type { Contestant, ContestantOptions, Measurement, Workload } from '../contestant/contestant.ts';
import { idleCpu } from '../contestant/idle.ts';
import { figureOf, measured } from '../contestant/load.ts';
import { DONE_CHANNEL, DoneListener } from './done-channel.ts';
import { eachOf } from './each-of.ts';
import { medianAtRest } from './median-of.ts';
import { startPgBoss } from './start-pg-boss.ts';

const QUEUE = 'bench';
/** The options with which a job wakes a worker. */
const NOTIFYING_QUEUE = 'bench-notifying';
const CALLERS = 32;
const BATCH = 500;

/**
 * Bare pg-boss: jobs without work, one `send` per job as in a service, the `stately` policy with a key per job, fetched
 * and completed in batches by a loop that does not sleep while jobs wait (its own `work` sleeps between batches). For
 * latency, its own `work` with `notify`.
 */
export async function open({ adminUrl }: ContestantOptions): Promise<Contestant> {
  const boss = await startPgBoss(adminUrl);
  await boss.createQueue(QUEUE, { policy: 'stately' });
  await boss.createQueue(NOTIFYING_QUEUE, { policy: 'stately', notify: true });
  return {
    run: (workload) => runOperation(boss, adminUrl, workload),
    close: () => boss.stop({ graceful: false }),
  };
}

function runOperation(boss: PgBoss, url: string, workload: Workload): Promise<Measurement> {
  if (workload.operation === 'handler-latency') return handlerLatency(boss, workload);
  if (workload.operation === 'realized-latency') return notifiedLatency(boss, url, workload);
  if (workload.operation === 'idle') return idle(boss, workload);
  return processAll(boss, workload.operation === 'realize-told' ? NOTIFYING_QUEUE : QUEUE, workload);
}

async function processAll(boss: PgBoss, queue: string, { size }: Workload): Promise<Measurement> {
  await boss.deleteAllJobs(queue);
  const cpu = process.cpuUsage();
  const startedAt = performance.now();
  let key = 0;
  const sent = eachOf(size, CALLERS, () => boss.send(queue, { org: 'org' }, { singletonKey: String(key++) }));
  for (let done = 0; done < size; ) {
    const jobs = await boss.fetch(queue, { batchSize: BATCH });
    if (jobs.length > 0)
      await boss.complete(
        queue,
        jobs.map(({ id }) => id),
      );
    done += jobs.length;
  }
  await sent;
  return measured(size, startedAt, cpu);
}

let count = 0;
const send = (boss: PgBoss): Promise<string | null> => {
  const name = `job-${count++}`;
  return boss.send(NOTIFYING_QUEUE, { name }, { singletonKey: name });
};

/** Milliseconds from the return of `send` to the call of the handler. */
async function handlerLatency(boss: PgBoss, { size }: Workload): Promise<Measurement> {
  let onCall = (_at: number) => {};
  await using _worker = await work(boss, async () => onCall(performance.now()));
  const latency = async (): Promise<number> => {
    const called = new Promise<number>((resolve) => {
      onCall = resolve;
    });
    await send(boss);
    const sentAt = performance.now();
    return Math.max(0, (await called) - sentAt);
  };
  return figureOf(await medianAtRest(size, latency));
}

/** Milliseconds until a listener learns that the work is done; the handler announces it with NOTIFY. */
async function notifiedLatency(boss: PgBoss, url: string, { size }: Workload): Promise<Measurement> {
  await using listener = await DoneListener.listen(url);
  const teller = new pg.Client(url);
  await teller.connect();
  await using _worker = await work(boss, () => teller.query(`notify ${DONE_CHANNEL}`));
  const latency = async (): Promise<number> => {
    const told = listener.next();
    await send(boss);
    const sentAt = performance.now();
    return (await told) - sentAt;
  };
  const median = await medianAtRest(size, latency);
  await teller.end();
  return figureOf(median);
}

async function idle(boss: PgBoss, { durationMs }: Workload): Promise<Measurement> {
  await using _worker = await work(boss, async () => {});
  return await idleCpu(durationMs);
}

/** pg-boss' own worker, woken by a NOTIFY of each `send`; stopped at the end of its scope. */
async function work(boss: PgBoss, handle: () => Promise<unknown>): Promise<AsyncDisposable> {
  await boss.work(NOTIFYING_QUEUE, handle);
  return { [Symbol.asyncDispose]: () => boss.offWork(NOTIFYING_QUEUE) };
}
