import type { DataStoreInternals, RegisteredTable } from '@intendant/core/internal';
import type { Logger } from 'pino';
import type { Duty } from '../background/duty.ts';
import { resyncDuty } from '../drift/resync.ts';
import type { StatusTables } from '../resource/status-tables.ts';
import { analyzeDuty } from './analyze-duty.ts';
import { forgetDuty } from './forget-duty.ts';
import { foldDuty, forgetHistoryDuty } from './history-duties.ts';
import type { MaintenanceConfiguration } from './maintenance-options.ts';
import { pgBossDuty } from './pg-boss-duty.ts';
import { purgeDuty } from './purge-duty.ts';
import { rolloutDuty } from './rollout-duty.ts';
import { submitDuty } from './submit-duty.ts';

export interface DutyParts {
  readonly store: DataStoreInternals;
  readonly logger: Logger;
  readonly configuration: MaintenanceConfiguration;
  /** The tables that are registered now. */
  tables(): readonly StatusTables[];
  /** The table of submitted operations; undefined before anything is registered. */
  operations(): RegisteredTable | undefined;
  readonly watchOperations: Duty['watch'];
}

/** All the work of maintenance. */
export const makeDuties = (parts: DutyParts): Duty[] => {
  const { store, logger, configuration, tables, operations } = parts;
  return [
    rolloutDuty(store, tables),
    submitDuty({ store, operations, tables, watch: parts.watchOperations }),
    purgeDuty(store, tables, configuration.purgeAfterMs, logger),
    forgetDuty(store, operations, configuration.keepResultsMs),
    resyncDuty(store, tables),
    analyzeDuty(store, () =>
      tables().flatMap(({ resource, overall, enforcement }) => [resource, overall, enforcement]),
    ),
    pgBossDuty(store, () => tables().length > 0, logger),
    foldDuty(store, () => tables().length > 0),
    forgetHistoryDuty(store, () => tables().length > 0, configuration.keepHistoryMs),
  ];
};
