import type { DataStoreInternals } from '@intendant/core/internal';
import type { MaintenanceJob } from '../background/maintenance-job.ts';
import type { StatusTables } from '../resource/status-tables.ts';
import { advanceRollout } from '../rollout/rollout.ts';

export const ROLLOUTS = 'rollouts';

/** Wait before retrying resources that another transaction has locked. */
const BLOCKED_MS = 200;

/**
 * Moves resources to points that were added or changed, and away from removed ones. Also continues rollouts of
 * processes that have died.
 */
export const rolloutJob = (store: DataStoreInternals, tables: () => readonly StatusTables[]): MaintenanceJob => ({
  name: ROLLOUTS,
  intervalMs: 5000,
  work: async () => {
    const known = tables();
    if (known.length === 0) return undefined;
    const step = await advanceRollout(store, known);
    return step === 'moved' ? 0 : step === 'blocked' ? BLOCKED_MS : undefined;
  },
});
