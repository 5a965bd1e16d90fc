import type { DataStoreInternals, SchemaPart } from '@intendant/core/internal';
import { planDrift } from './drift/drift-schema.ts';
import { planTableFunctions } from './function-part.ts';
import { planHistory } from './history/history-schema.ts';
import { jobSchemaPart } from './job/job-schema.ts';
import { planAnalyze } from './maintenance/analyze-grown.ts';
import { planStatusIndexes } from './operator/status-index-schema.ts';
import { planPoints } from './point/point-schema.ts';
import { statusTablesAmong } from './resource/status-tables.ts';
import { planOperations } from './submit/operation-schema.ts';

/** All that realization needs in the database beyond the tables and their statuses. */
export const realizationPart = (store: DataStoreInternals): SchemaPart => {
  const jobs = jobSchemaPart(store);
  return {
    name: 'realization',
    plan: async (client, tables) => [
      ...(await jobs.plan(client, tables)),
      ...(await planPoints(client, store)),
      ...(await planOperations(client, store)),
      ...(await planTableFunctions(client, store, tables)),
      ...(await planHistory(client, store, tables)),
      ...(await planStatusIndexes(client, statusTablesAmong(tables))),
      ...(await planDrift(client, store)),
      ...(await planAnalyze(client, store)),
    ],
  };
};
