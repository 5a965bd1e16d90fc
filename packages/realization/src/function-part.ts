import type { RegisteredTable } from '@intendant/core/internal';
import type { ClientBase } from 'pg';
import { persistFunction } from './intent/persist-function.ts';
import { statusTablesAmong } from './resource/status-tables.ts';
import { type Functions, planFunctions } from './schema/function-plan.ts';
import { markFunction } from './status/mark-function.ts';

/** The functions of each table's common operations, for every role that writes. */
export function tableFunctions(tables: readonly RegisteredTable[]): Functions {
  const made = statusTablesAmong(tables).flatMap((status) => [persistFunction(status), markFunction(status)]);
  return Object.fromEntries(made.flatMap((one) => (one ? [[one.signature, one.sql]] : [])));
}

export const planTableFunctions = (client: ClientBase, tables: readonly RegisteredTable[]): Promise<string[]> =>
  planFunctions(client, tableFunctions(tables));
