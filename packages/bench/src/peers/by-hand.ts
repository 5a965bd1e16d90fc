import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import type { Job, PgBoss } from 'pg-boss';
import type { Contestant, ContestantOptions, Measurement, Workload } from '../contestant/contestant.ts';
import { measured } from '../contestant/load.ts';
import { StatusTables } from './by-hand/status-tables.ts';
import { eachOf } from './each-of.ts';
import { startPgBoss } from './start-pg-boss.ts';
import { POOL_SIZE } from './tenant-store.ts';

const QUEUE = 'by-hand';
const CALLERS = 32;
const BATCH = 500;
/** Pause before it looks again if no job was waiting. */
const PAUSE_MS = 5;

type Resource = { readonly id: string };

/**
 * What a careful user builds on pg-boss: intent, two statuses and job in one transaction that locks the overall row
 * first; and a worker that fetches jobs in batches, marks each batch together, and completes its jobs in the
 * transaction of the last mark.
 */
export async function open({ adminUrl }: ContestantOptions): Promise<Contestant> {
  const boss = await startPgBoss(adminUrl);
  await boss.createQueue(QUEUE, { policy: 'stately' });
  const pool = new pg.Pool({ connectionString: adminUrl, max: POOL_SIZE });
  const tables = new StatusTables(pool, 'by_hand');
  await tables.create();
  return {
    run: (workload) => realizeAll(boss, tables, workload),
    close: async () => {
      await boss.stop({ graceful: false });
      await pool.end();
    },
  };
}

async function realizeAll(boss: PgBoss, tables: StatusTables, { size }: Workload): Promise<Measurement> {
  await boss.deleteAllJobs(QUEUE);
  await tables.empty();
  const cpu = process.cpuUsage();
  const startedAt = performance.now();
  const persisted = eachOf(size, CALLERS, () =>
    tables.persist((client, id) =>
      boss.insert(QUEUE, [{ data: { id } satisfies Resource, singletonKey: id }], { db: over(client) }),
    ),
  );
  for (let done = 0; done < size; ) {
    const jobs = await boss.fetch<Resource>(QUEUE, { batchSize: BATCH });
    if (jobs.length === 0) await delay(PAUSE_MS);
    else await realizeBatch(boss, tables, jobs);
    done += jobs.length;
  }
  await persisted;
  return measured(size, startedAt, cpu);
}

/** The handlers do nothing. */
async function realizeBatch(boss: PgBoss, tables: StatusTables, jobs: readonly Job<Resource>[]): Promise<void> {
  const resources = await tables.begin(jobs.map(({ data }) => data.id));
  await tables.finish(resources, (client) =>
    boss.complete(
      QUEUE,
      jobs.map(({ id }) => id),
      null,
      { db: over(client) },
    ),
  );
}

/** Runs pg-boss in a transaction of ours. */
const over = (client: pg.PoolClient) => ({
  executeSql: (text: string, values?: unknown[]) => client.query(text, values),
});
