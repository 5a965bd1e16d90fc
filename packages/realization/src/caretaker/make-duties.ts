import type { DataStoreInternals, RegisteredTable } from '@intendant/core/internal';
import type { Logger } from 'pino';
import { resyncDuty } from '../drift/resync-duty.ts';
import { foldDuty, forgetHistoryDuty } from '../history/keep-history.ts';
import { rolloutDuty } from '../point/rollout-duty.ts';
import type { StatusTables } from '../status/status-tables.ts';
import { submitDuty } from '../submit/submit-duty.ts';
import { analyzeDuty } from './analyze-duty.ts';
import type { CaretakerConfiguration } from './caretaker-options.ts';
import type { Duty } from './duty.ts';
import { forgetDuty } from './forget-duty.ts';
import { purgeDuty } from './purge-duty.ts';

export interface DutyParts {
  readonly store: DataStoreInternals;
  readonly logger: Logger;
  readonly configuration: CaretakerConfiguration;
  /** Those that are registered by now. */
  tables(): readonly StatusTables[];
  /** Where submitted operations are; undefined before anything is registered. */
  operations(): RegisteredTable | undefined;
  readonly watchOperations: Duty['watch'];
}

/** All that a caretaker does. */
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
    foldDuty(store, () => tables().length > 0),
    forgetHistoryDuty(store, () => tables().length > 0, configuration.keepHistoryMs),
  ];
};
