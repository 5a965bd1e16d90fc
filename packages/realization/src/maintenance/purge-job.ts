import type { DataStoreInternals } from '@intendant/core/internal';
import type { Logger } from 'pino';
import type { MaintenanceJob } from '../background/maintenance-job.ts';
import type { StatusTables } from '../resource/status-tables.ts';
import { mayHaveRemoved, purgeRemoved } from './purge.ts';

/** Shortest interval, in milliseconds, also for a short retention, because a run may read all overall rows of a table. */
const CHECK_MIN_MS = 1000;
const CHECK_MAX_MS = 60_000;

/** Purges resources whose removal at all points was completed at least `afterMs` milliseconds ago. Infinity: never. */
export const purgeJob = (
  store: DataStoreInternals,
  tables: () => readonly StatusTables[],
  afterMs: number,
  logger: Logger,
): MaintenanceJob => ({
  name: 'purge',
  intervalMs: Math.min(CHECK_MAX_MS, Math.max(CHECK_MIN_MS, afterMs / 4)),
  work: async () => {
    if (!Number.isFinite(afterMs)) return undefined;
    let isMore = false;
    for (const table of tables()) {
      if (!(await mayHaveRemoved(store, table))) continue;
      const done = await purgeRemoved(store, table, afterMs);
      if (done.purged > 0)
        logger.info({ table: table.resource.name, resources: done.purged }, 'deleted resources were purged');
      isMore ||= done.isMore;
    }
    return isMore ? 0 : undefined;
  },
});
