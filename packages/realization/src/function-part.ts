import type { RegisteredTable } from '@intendant/core/internal';
import type { ClientBase } from 'pg';
import { persistFunction } from './intent/persist-function.ts';
import { changingFunctions, readingFunctions } from './resource/row-functions.ts';
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

/** The functions that read resources on other servers, which every role may call. */
export const rowFunctions = (tables: readonly RegisteredTable[]): Functions =>
  Object.assign({}, ...statusTablesAmong(tables).map(readingFunctions));

/** The functions that change resources on other servers, which every writer role may call. */
export const rowChanges = (tables: readonly RegisteredTable[]): Functions =>
  Object.assign({}, ...statusTablesAmong(tables).map(changingFunctions));

const bySignature = (functions: readonly (TableFunction | undefined)[]): Functions =>
  Object.fromEntries(functions.flatMap((one) => (one ? [[one.signature, one.sql]] : [])));

export const planTableFunctions = (client: ClientBase, tables: readonly RegisteredTable[]): Promise<string[]> =>
  planFunctions(client, {
    ...rowFunctions(tables),
    ...rowChanges(tables),
    ...tableFunctions(tables),
    ...workerFunctions(tables),
  });
