import { Logger, run as startRunner } from 'graphile-worker';
import pg from 'pg';
import type { Contestant, ContestantOptions, Measurement, Workload } from '../contestant/contestant.ts';
import { figureOf, measured } from '../contestant/load.ts';
import { type Realized, StatusTables } from './by-hand/status-tables.ts';
import { together } from './by-hand/together.ts';
import { DONE_CHANNEL, DoneListener } from './done-channel.ts';
import { eachOf } from './each-of.ts';
import { medianAtRest } from './median-of.ts';
import { POOL_SIZE } from './tenant-store.ts';

const CALLERS = 32;
const CONCURRENCY = 64;

/** As its page on performance advises for many short jobs. */
const BATCHING = { localQueue: { size: 500 }, completeJobBatchDelay: 0, failJobBatchDelay: 0 };

/** The worker's connections, and the tables that its task writes. */
interface Realizer {
  readonly pool: pg.Pool;
  readonly url: string;
  readonly tables: StatusTables;
}

/**
 * graphile-worker with a local queue and batched completion; both are off for latency, because they trade latency for
 * throughput. The task writes the same statuses by hand, also in batches. The jobs are added in the intent's
 * transaction.
 */
export async function open({ adminUrl }: ContestantOptions): Promise<Contestant> {
  const pool = new pg.Pool({ connectionString: adminUrl, max: POOL_SIZE + CONCURRENCY });
  pool.on('error', () => {});
  pool.on('connect', (client) => client.on('error', () => {}));
  const tables = new StatusTables(pool, 'graphile');
  await tables.create();
  const realizer = { pool, url: adminUrl, tables };
  return { run: (workload) => runOperation(realizer, workload), close: () => pool.end() };
}

function runOperation(realizer: Realizer, workload: Workload): Promise<Measurement> {
  if (workload.operation === 'handler-latency') return handlerLatency(realizer, workload);
  if (workload.operation === 'realized-latency') return realizedLatency(realizer, workload);
  return realizeAll(realizer, workload);
}

async function realizeAll(realizer: Realizer, { size }: Workload): Promise<Measurement> {
  const { tables } = realizer;
  const begin = together(async (ids: string[]) => {
    const resources = await tables.begin(ids);
    return new Map(resources.map((resource) => [resource.id, resource]));
  });
  const finish = together((resources: Realized[]) => tables.finish(resources));
  let realized = 0;
  await using _worker = await startWorker(realizer, BATCHING, async (id) => {
    const resource = (await begin(id)).get(id);
    if (resource === undefined) throw new Error(`there is no machine ${id}`);
    await finish(resource);
    realized++;
  });
  const cpu = process.cpuUsage();
  const startedAt = performance.now();
  await eachOf(size, CALLERS, () => persist(realizer));
  while (realized < size) await new Promise((resolve) => setTimeout(resolve, 5));
  return measured(size, startedAt, cpu);
}

/** Milliseconds from the end of the commit to the call of the task. */
async function handlerLatency(realizer: Realizer, { size }: Workload): Promise<Measurement> {
  let onCall = (_at: number) => {};
  await using _worker = await startWorker(realizer, {}, async () => onCall(performance.now()));
  const latency = async (): Promise<number> => {
    const called = new Promise<number>((resolve) => {
      onCall = resolve;
    });
    await persist(realizer);
    const committedAt = performance.now();
    return Math.max(0, (await called) - committedAt);
  };
  return figureOf(await medianAtRest(size, latency));
}

/** Milliseconds until a listener learns that the status is REALIZED; the task announces it with NOTIFY. */
async function realizedLatency(realizer: Realizer, { size }: Workload): Promise<Measurement> {
  const { tables, url } = realizer;
  await using listener = await DoneListener.listen(url);
  await using _worker = await startWorker(realizer, {}, async (id) => {
    await tables.finish(await tables.begin([id]), (client) => client.query(`notify ${DONE_CHANNEL}`));
  });
  const latency = async (): Promise<number> => {
    const told = listener.next();
    await persist(realizer);
    const committedAt = performance.now();
    return (await told) - committedAt;
  };
  return figureOf(await medianAtRest(size, latency));
}

/** Runs on empty tables. Stopped at the end of its scope. */
async function startWorker(
  { pool, tables }: Realizer,
  preset: object,
  realize: (id: string) => Promise<void>,
): Promise<AsyncDisposable> {
  await tables.empty();
  const runner = await startRunner({
    pgPool: pool,
    concurrency: CONCURRENCY,
    noHandleSignals: true,
    logger: new Logger(() => () => {}),
    preset: { worker: preset },
    taskList: { realize: (payload) => realize((payload as { id: string }).id) },
  });
  return { [Symbol.asyncDispose]: () => runner.stop() };
}

const persist = ({ tables }: Realizer): Promise<void> =>
  tables.persist((client, id) =>
    client.query({
      name: 'job',
      text: `select graphile_worker.add_job('realize', json_build_object('id', $1::text), job_key => $1::text)`,
      values: [id],
    }),
  );
