import { Logger, run as startRunner } from 'graphile-worker';
import pg from 'pg';
import type { Contestant, ContestantOptions, Measurement, Workload } from '../contestant/contestant.ts';
import { figureOf, measured } from '../contestant/load.ts';
import { DONE_CHANNEL, DoneListener } from './done-channel.ts';
import { eachOf } from './each-of.ts';
import { medianAtRest } from './median-of.ts';
import { POOL_SIZE } from './tenant-store.ts';

const CALLERS = 32;
const CONCURRENCY = 64;
const PENDING = 1;
const IN_PROGRESS = 2;
const REALIZED = 3;

/** As its page on performance advises for many short jobs. */
const BATCHING = { localQueue: { size: 500 }, completeJobBatchDelay: 0, failJobBatchDelay: 0 };

/**
 * graphile-worker with a local queue and batched completion (for latency without: they trade it for throughput); the task keeps the
 * same statuses by hand, with the overall row locked first. The jobs are added in the intent's transaction.
 */
export async function open({ adminUrl }: ContestantOptions): Promise<Contestant> {
  const pool = new pg.Pool({ connectionString: adminUrl, max: POOL_SIZE + CONCURRENCY });
  pool.on('error', () => {});
  pool.on('connect', (client) => client.on('error', () => {}));
  await pool.query(TABLES);
  return { run: (workload) => runOperation(pool, adminUrl, workload), close: () => pool.end() };
}

function runOperation(pool: pg.Pool, url: string, workload: Workload): Promise<Measurement> {
  if (workload.operation === 'handler-latency') return handlerLatency(pool, workload);
  if (workload.operation === 'realized-latency') return realizedLatency(pool, url, workload);
  return realizeAll(pool, workload);
}

async function realizeAll(pool: pg.Pool, { size }: Workload): Promise<Measurement> {
  let realized = 0;
  await using _worker = await startWorker(pool, BATCHING, async (id) => {
    await mark(pool, id, IN_PROGRESS);
    await mark(pool, id, REALIZED);
    realized++;
  });
  const cpu = process.cpuUsage();
  const startedAt = performance.now();
  await eachOf(size, CALLERS, () => persist(pool));
  while (realized < size) await new Promise((resolve) => setTimeout(resolve, 5));
  return measured(size, startedAt, cpu);
}

/** Milliseconds from the answer to the commit until the task is called. */
async function handlerLatency(pool: pg.Pool, { size }: Workload): Promise<Measurement> {
  let onCall = (_at: number) => {};
  await using _worker = await startWorker(pool, {}, async () => onCall(performance.now()));
  const latency = async (): Promise<number> => {
    const called = new Promise<number>((resolve) => {
      onCall = resolve;
    });
    await persist(pool);
    const committedAt = performance.now();
    return Math.max(0, (await called) - committedAt);
  };
  return figureOf(await medianAtRest(size, latency));
}

/** Milliseconds until somebody who listens hears that the status is REALIZED, which the task says by NOTIFY. */
async function realizedLatency(pool: pg.Pool, url: string, { size }: Workload): Promise<Measurement> {
  await using listener = await DoneListener.listen(url);
  await using _worker = await startWorker(pool, {}, async (id) => {
    await mark(pool, id, IN_PROGRESS);
    await mark(pool, id, REALIZED, `notify ${DONE_CHANNEL}`);
  });
  const latency = async (): Promise<number> => {
    const told = listener.next();
    await persist(pool);
    const committedAt = performance.now();
    return (await told) - committedAt;
  };
  return figureOf(await medianAtRest(size, latency));
}

/** On empty tables; stopped at the end of its scope. */
async function startWorker(
  pool: pg.Pool,
  preset: object,
  realize: (id: string) => Promise<void>,
): Promise<AsyncDisposable> {
  await pool.query('truncate graphile_vm, graphile_overall, graphile_enforcement');
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

let count = 0;

async function persist(pool: pg.Pool): Promise<void> {
  const id = `vm-${count++}`;
  await inTransaction(pool, async (client) => {
    await client.query({
      name: 'vm',
      text: `insert into graphile_vm values ($1, 'org', 'a machine', 'us-west-1', 4)`,
      values: [id],
    });
    await client.query({
      name: 'overall',
      text: 'insert into graphile_overall values ($1, $2)',
      values: [id, PENDING],
    });
    await client.query({
      name: 'enforcement',
      text: `insert into graphile_enforcement values ($1, 'E1', $2)`,
      values: [id, PENDING],
    });
    await client.query({
      name: 'job',
      text: `select graphile_worker.add_job('realize', json_build_object('id', $1::text), job_key => $1::text)`,
      values: [id],
    });
  });
}

function mark(pool: pg.Pool, id: string, status: number, last?: string): Promise<void> {
  return inTransaction(pool, async (client) => {
    await client.query({
      name: 'lock',
      text: 'select 1 from graphile_overall where id = $1 for no key update',
      values: [id],
    });
    await client.query({
      name: 'mark',
      text: `update graphile_enforcement set status = $2 where id = $1 and point = 'E1'`,
      values: [id, status],
    });
    await client.query({
      name: 'recompute',
      text: 'update graphile_overall set status = (select min(status) from graphile_enforcement where id = $1) where id = $1',
      values: [id],
    });
    if (last !== undefined) await client.query(last);
  });
}

async function inTransaction(pool: pg.Pool, run: (client: pg.PoolClient) => Promise<void>): Promise<void> {
  const client = await pool.connect();
  try {
    await client.query('begin');
    await run(client);
    await client.query('commit');
  } catch (error) {
    await client.query('rollback');
    throw error;
  } finally {
    client.release();
  }
}

const TABLES = `
  create table if not exists graphile_vm (id text primary key, org_id text, name text, region text, cpus int);
  create table if not exists graphile_overall (id text primary key, status int);
  create table if not exists graphile_enforcement (id text, point text, status int, primary key (id, point))`;
