import type { DataStoreInternals } from '@intendant/core/internal';
import type { Logger } from 'pino';
import type { Duty } from '../background/duty.ts';
import type { StatusTables } from '../resource/status-tables.ts';
import { sweepChunk } from './sweep.ts';

/** Shortest pause between chunks, in milliseconds, even if a chunk takes no time. */
const MIN_PAUSE_MS = 50;

/** Sweeps one table; all processes share the work. */
export const sweepDuty = (
  store: DataStoreInternals,
  tables: StatusTables,
  intervalMs: number,
  logger: Logger,
  onAdded: () => void,
): Duty => ({
  name: `sweep ${tables.resource.name}`,
  intervalMs,
  async work() {
    const { added, waitMs } = await sweepChunk(store, tables, intervalMs);
    if (added > 0) {
      logger.warn({ table: tables.resource.name, added }, 'resources had no job and needed one; it was added');
      onAdded();
    }
    return Math.min(intervalMs, Math.max(MIN_PAUSE_MS, waitMs));
  },
});
