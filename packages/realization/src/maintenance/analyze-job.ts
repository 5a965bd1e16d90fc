import type { DataStoreInternals, RegisteredTable } from '@intendant/core/internal';
import type { MaintenanceJob } from '../background/maintenance-job.ts';
import { JOBS_SCHEMA } from '../job/job-functions.ts';

const INTERVAL_MS = 3000;

/** Analyzes tables that have grown, for the planner. */
export const analyzeJob = (store: DataStoreInternals, tables: () => readonly RegisteredTable[]): MaintenanceJob => ({
  name: 'analyze',
  intervalMs: INTERVAL_MS,
  work: async () => {
    const names = tables().map(({ qualifiedName }) => qualifiedName);
    if (names.length > 0)
      await store.inServiceTransaction((client) =>
        client.query('select intendant.analyze_grown($1)', [[...names, `${JOBS_SCHEMA}.job_common`]]),
      );
    return undefined;
  },
});
