import type { DataStoreInternals, RegisteredTable } from '@intendant/core/internal';
import type { Logger } from 'pino';
import type { MaintenanceJob } from '../background/maintenance-job.ts';
import { resyncJob } from '../drift/resync.ts';
import type { StatusTables } from '../resource/status-tables.ts';
import { analyzeJob } from './analyze-job.ts';
import { deleteResultsJob } from './delete-results-job.ts';
import { addUpCountsJob, deleteHistoryJob } from './history-jobs.ts';
import type { MaintenanceConfiguration } from './maintenance-options.ts';
import { pgBossJob } from './pg-boss-job.ts';
import { purgeJob } from './purge-job.ts';
import { rolloutJob } from './rollout-job.ts';
import { submittedOperationsJob } from './submitted-operations-job.ts';

export interface MaintenanceParts {
  readonly store: DataStoreInternals;
  readonly logger: Logger;
  readonly configuration: MaintenanceConfiguration;
  /** The tables that are registered now. */
  tables(): readonly StatusTables[];
  /** The table of submitted operations; undefined before anything is registered. */
  operations(): RegisteredTable | undefined;
  readonly watchOperations: MaintenanceJob['watch'];
}

/** All the work of maintenance. */
export const maintenanceJobs = (parts: MaintenanceParts): MaintenanceJob[] => {
  const { store, logger, configuration, tables, operations } = parts;
  return [
    rolloutJob(store, tables),
    submittedOperationsJob({ store, operations, tables, watch: parts.watchOperations }),
    purgeJob(store, tables, configuration.purgeAfterMs, logger),
    deleteResultsJob(store, operations, configuration.keepResultsMs),
    resyncJob(store, tables),
    analyzeJob(store, () => tables().flatMap(({ resource, overall, enforcement }) => [resource, overall, enforcement])),
    pgBossJob(store, () => tables().length > 0, logger),
    addUpCountsJob(store, () => tables().length > 0),
    deleteHistoryJob(store, () => tables().length > 0, configuration.keepHistoryMs),
  ];
};
