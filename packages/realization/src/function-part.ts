import type { RegisteredTable } from '@intendant/core/internal';
import type { ClientBase } from 'pg';
import { persistFunction } from './intent/persist-function.ts';
import { statusTablesAmong } from './resource/status-tables.ts';
import type { TableFunction } from './resource/table-function.ts';
import { type Functions, planFunctions } from './schema/function-plan.ts';
import { markFunction } from './status/mark-function.ts';
import { beginFunction } from './worker/begin-function.ts';
import { finishFunction } from './worker/finish-function.ts';

/** The functions for each table's common operations, which every writer role may call. */
export const tableFunctions = (tables: readonly RegisteredTable[]): Functions =>
  bySignature(statusTablesAmong(tables).flatMap((status) => [persistFunction(status), markFunction(status)]));

/** The functions for workers, which only the service role may call. */
export const workerFunctions = (tables: readonly RegisteredTable[]): Functions =>
  bySignature(statusTablesAmong(tables).flatMap((status) => [beginFunction(status), finishFunction(status)]));

const bySignature = (functions: readonly (TableFunction | undefined)[]): Functions =>
  Object.fromEntries(functions.flatMap((one) => (one ? [[one.signature, one.sql]] : [])));

export const planTableFunctions = (client: ClientBase, tables: readonly RegisteredTable[]): Promise<string[]> =>
  planFunctions(client, { ...tableFunctions(tables), ...workerFunctions(tables) });
