import type { DataStoreInternals } from '@intendant/core/internal';
import type { Logger } from 'pino';
import type { MaintenanceJob } from '../background/maintenance-job.ts';
import { JOBS_SCHEMA } from '../job/job-functions.ts';
import { insideTransaction, pgBossOn } from '../job/pg-boss.ts';

const INTERVAL_SECONDS = 30;

/** Nothing is written to a database without jobs. The counts of a queue that has become empty are stored once more. */
const HAS_JOBS = `
  select exists (select from ${JOBS_SCHEMA}.job_common)
    or exists (select from ${JOBS_SCHEMA}.queue where total_count <> 0 or queued_count <> 0 or active_count <> 0 or failed_count <> 0)
    as has_jobs`;

/**
 * pg-boss' own maintenance: it stores the counts of each queue, which its dashboard shows, and deletes failed and cancelled
 * jobs after a week. One process at a time claims a queue for it.
 */
export const pgBossJob = (store: DataStoreInternals, isReady: () => boolean, logger: Logger): MaintenanceJob => ({
  name: 'pg-boss',
  intervalMs: INTERVAL_SECONDS * 1000,
  work: async (signal) => {
    if (!isReady()) return undefined;
    const { rows } = await store.inServiceTransaction((client) => client.query<{ has_jobs: boolean }>(HAS_JOBS));
    if (rows[0]?.has_jobs) await superviseOnce(store, logger, signal);
    return undefined;
  },
});

async function superviseOnce(store: DataStoreInternals, logger: Logger, signal: AbortSignal): Promise<void> {
  const boss = pgBossOn(
    (text, values) => store.inServiceTransaction((client) => client.query(insideTransaction(text), values)),
    { monitorIntervalSeconds: INTERVAL_SECONDS, monitorVacuum: false, reindex: false },
  );
  boss.on('error', (error) => logger.warn({ err: error }, "pg-boss' maintenance failed"));
  boss.on('warning', ({ message }) => logger.debug({ warning: message }, 'pg-boss warns'));
  const stop = () => boss.stop({ graceful: false, close: false });
  signal.addEventListener('abort', stop, { once: true });
  try {
    await boss.start();
    if (!signal.aborted) await boss.supervise();
  } finally {
    signal.removeEventListener('abort', stop);
    await stop();
  }
}
