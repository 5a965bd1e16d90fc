import type { DataStoreInternals } from '@intendant/core/internal';
import type { Logger } from 'pino';
import type { MaintenanceJob } from '../background/maintenance-job.ts';
import type { StatusTables } from '../resource/status-tables.ts';
import { sweepChunk } from './sweep.ts';

/** Shortest pause between chunks, in milliseconds, even if a chunk takes no time. */
const MIN_PAUSE_MS = 50;

/** Adds missing jobs of one table, in chunks. All processes share the work. `onAdded` is called after jobs were added. */
export const sweepJob = (
  store: DataStoreInternals,
  tables: StatusTables,
  intervalMs: number,
  logger: Logger,
  onAdded: () => void,
): MaintenanceJob => ({
  name: `sweep ${tables.resource.name}`,
  intervalMs,
  async work() {
    const { added, waitMs } = await sweepChunk(store, tables, intervalMs);
    if (added > 0) {
      logger.warn({ table: tables.resource.name, added }, 'jobs of resources were missing and were added');
      onAdded();
    }
    return Math.min(intervalMs, Math.max(MIN_PAUSE_MS, waitMs));
  },
});
