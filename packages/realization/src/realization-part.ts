import type { DataStoreInternals, RegisteredTable, SchemaPart } from '@intendant/core/internal';
import { planDrift } from './drift/drift-schema.ts';
import { planTableFunctions } from './function-part.ts';
import { planHistory } from './history/history-schema.ts';
import { planJobs } from './job/job-schema.ts';
import { planAnalyze } from './maintenance/analyze-grown.ts';
import { planPoints } from './point/point-schema.ts';
import { jobObjects, realizationObjects } from './realization-objects.ts';
import { planStatusStorage } from './resource/status-storage-schema.ts';
import { statusTablesAmong } from './resource/status-tables.ts';
import { planOperations } from './submit/operation-schema.ts';

/** The objects that realization needs in the database in addition to the tables and their statuses, with their rights. */
export const realizationPart = (store: DataStoreInternals): SchemaPart => ({
  name: 'realization',
  plan: async (client, tables) =>
    onlyHere(tables, [
      ...(await planJobs(client)),
      ...(await planPoints(client)),
      ...(await planOperations(client, store, tables)),
      ...(await planTableFunctions(client, tables)),
      ...(await planHistory(client, tables)),
      ...(await planStatusStorage(client, statusTablesAmong(tables))),
      ...(await planDrift(client)),
      ...(await planAnalyze(client)),
    ]),
  objects: async (client, tables) => [realizationObjects(tables), await jobObjects(client)],
});

/** Citus would create functions and schemas on every node too, but these objects are used on the coordinator alone. */
function onlyHere(tables: readonly RegisteredTable[], plan: readonly string[]): string[] {
  if (plan.length === 0 || tables.every(({ placement }) => placement === 'here')) return [...plan];
  return ['set local citus.enable_ddl_propagation = off', ...plan, 'set local citus.enable_ddl_propagation = on'];
}
