import { PgBoss } from 'pg-boss';
import type { Contestant, ContestantOptions, Measurement, Workload } from '../contestant/contestant.ts';
import { measured } from '../contestant/load.ts';
import { eachOf } from './each-of.ts';
import { POOL_SIZE } from './tenant-store.ts';

const QUEUE = 'bench';
const CALLERS = 32;
const BATCH = 500;

/**
 * Bare pg-boss: no-op jobs, one `send` a job as a service would, the `stately` policy with a key a job, taken and completed in batches
 * by a loop that never sleeps while there is work (its own `work` sleeps between batches).
 */
export async function open({ adminUrl }: ContestantOptions): Promise<Contestant> {
  const boss = new PgBoss({ connectionString: adminUrl, max: POOL_SIZE, supervise: false, schedule: false });
  boss.on('error', (error) => console.error(`pg-boss: ${error.message}`));
  await boss.start();
  await boss.createQueue(QUEUE, { policy: 'stately' });
  return { run: (workload) => process(boss, workload), close: () => boss.stop({ graceful: false }) };
}

async function process(boss: PgBoss, { size }: Workload): Promise<Measurement> {
  await boss.deleteAllJobs(QUEUE);
  const cpu = globalThis.process.cpuUsage();
  const startedAt = performance.now();
  let key = 0;
  const sent = eachOf(size, CALLERS, () => boss.send(QUEUE, { org: 'org' }, { singletonKey: String(key++) }));
  for (let done = 0; done < size; ) {
    const jobs = await boss.fetch(QUEUE, { batchSize: BATCH });
    if (jobs.length > 0)
      await boss.complete(
        QUEUE,
        jobs.map(({ id }) => id),
      );
    done += jobs.length;
  }
  await sent;
  return measured(size, startedAt, cpu);
}
