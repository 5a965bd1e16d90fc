import type { DataStoreInternals, RegisteredTable } from '@intendant/core/internal';
import type { MaintenanceJob } from '../background/maintenance-job.ts';
import { SERVICE_SCOPE } from '../resource/service-scope.ts';
import { deleteFinished } from '../submit/operation-statements.ts';

/** Forgets the results of submitted operations when their retention time is over. */
export const deleteResultsJob = (
  store: DataStoreInternals,
  operations: () => RegisteredTable | undefined,
  afterMs: number,
): MaintenanceJob => ({
  name: 'delete old results',
  intervalMs: 60_000,
  work: async () => {
    const table = operations();
    if (table !== undefined && Number.isFinite(afterMs))
      await store.executor.run(SERVICE_SCOPE, [deleteFinished(table, afterMs)]);
    return undefined;
  },
});
