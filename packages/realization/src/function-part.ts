import type { DataStoreInternals, RegisteredTable } from '@intendant/core/internal';
import type { ClientBase } from 'pg';
import { persistFunction } from './intent/persist-function.ts';
import { statusTablesAmong } from './resource/status-tables.ts';
import { type Functions, planExecution, planFunctions, WRITING_ROLES } from './schema/function-plan.ts';
import { markFunction } from './status/mark-function.ts';

/** The functions of each table's common operations, for every role that writes. */
export async function planTableFunctions(
  client: ClientBase,
  store: DataStoreInternals,
  tables: readonly RegisteredTable[],
): Promise<string[]> {
  const made = statusTablesAmong(tables).flatMap((status) => [persistFunction(status), markFunction(status)]);
  const functions: Functions = Object.fromEntries(made.flatMap((one) => (one ? [[one.signature, one.sql]] : [])));
  const callers = [await store.loginName(), ...WRITING_ROLES.map((role) => store.roleName(role))];
  return [
    ...(await planFunctions(client, functions)),
    ...(await planExecution(client, Object.keys(functions), callers)),
  ];
}
