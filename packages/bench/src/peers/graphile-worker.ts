import { Logger, run as startRunner } from 'graphile-worker';
import pg from 'pg';
import type { Contestant, ContestantOptions, Measurement, Workload } from '../contestant/contestant.ts';
import { measured } from '../contestant/load.ts';
import { eachOf } from './each-of.ts';
import { POOL_SIZE } from './tenant-store.ts';

const CALLERS = 32;
const CONCURRENCY = 64;
const PENDING = 1;
const IN_PROGRESS = 2;
const REALIZED = 3;

/**
 * graphile-worker with a local queue and batched completion, as its page on performance advises; the task keeps the same statuses by
 * hand, with the overall row locked first. The jobs are added in the intent's transaction.
 */
export async function open({ adminUrl }: ContestantOptions): Promise<Contestant> {
  const pool = new pg.Pool({ connectionString: adminUrl, max: POOL_SIZE + CONCURRENCY });
  await pool.query(TABLES);
  let realized = 0;
  const runner = await startRunner({
    pgPool: pool,
    concurrency: CONCURRENCY,
    noHandleSignals: true,
    logger: new Logger(() => () => {}),
    preset: { worker: { localQueue: { size: 500 }, completeJobBatchDelay: 0, failJobBatchDelay: 0 } },
    taskList: {
      realize: async (payload) => {
        const { id } = payload as { id: string };
        await mark(pool, id, IN_PROGRESS);
        await mark(pool, id, REALIZED);
        realized++;
      },
    },
  });
  const run = async ({ size }: Workload): Promise<Measurement> => {
    await pool.query('truncate graphile_vm, graphile_overall, graphile_enforcement');
    realized = 0;
    const cpu = process.cpuUsage();
    const startedAt = performance.now();
    await eachOf(size, CALLERS, () => persist(pool));
    while (realized < size) await new Promise((resolve) => setTimeout(resolve, 5));
    return measured(size, startedAt, cpu);
  };
  return {
    run,
    close: async () => {
      await runner.stop();
      await pool.end();
    },
  };
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

function mark(pool: pg.Pool, id: string, status: number): Promise<void> {
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
