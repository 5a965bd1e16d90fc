import { IntendantError } from '@intendant/core';
import type { Executor, Scope } from '@intendant/core/internal';
import { persistIntent, persistIntents } from '../intent/persist-intent.ts';
import { persistMany } from '../intent/persist-many.ts';
import { deleteIntent, purgeIntent, purgeStaleRows, softDeleteIntent } from '../intent/remove.ts';
import { softDeleteIntents } from '../intent/remove-many.ts';
import type { StatusTables } from '../resource/status-tables.ts';
import { writeMarksWithJobs } from '../status/mark-jobs.ts';
import type { Mark } from '../status/marks.ts';
import { isKind, type Operation, type OperationOf } from './operation.ts';
import { type Outcome, storedError } from './result.ts';

/*
 * Operations of one kind, of one caller, on one table. Outcomes are in the order of the operations. A refused mark is
 * an outcome, not an error.
 */

/** Performs one operation. */
export async function perform(
  executor: Executor,
  scope: Scope,
  tables: StatusTables,
  operation: Operation,
): Promise<Outcome> {
  switch (operation.kind) {
    case 'mark':
      return (await performMarks(executor, scope, tables, [operation]))[0] as Outcome;
    case 'persistIntent':
      return persistIntent(executor, scope, tables, operation);
    case 'softDelete':
      return { row: (await softDeleteIntent(executor, scope, tables, operation)) ?? null };
    case 'delete':
      return { count: await deleteIntent(executor, scope, tables, operation) };
    case 'purge':
      return { count: await purgeIntent(executor, scope, tables, operation.identity) };
    case 'purgeStaleStatusRecords':
      return { count: await purgeStaleRows(executor, scope, tables, operation.identity) };
  }
}

/** Writes marks together. */
export async function performMarks(
  executor: Executor,
  scope: Scope,
  tables: StatusTables,
  marks: readonly Mark[],
): Promise<Outcome[]> {
  const results = await writeMarksWithJobs(executor, scope, tables, marks);
  return results.map((verdict) => ({ verdict }));
}

/** Performs operations that a caller gave as a list: all of them, or none. */
export async function performMany(
  executor: Executor,
  scope: Scope,
  tables: StatusTables,
  operations: readonly Operation[],
): Promise<Outcome[]> {
  if (operations.every(isKind('mark'))) return performMarks(executor, scope, tables, operations);
  if (operations.every(isKind('persistIntent'))) return persistMany(executor, scope, tables, operations);
  if (operations.every(isKind('softDelete'))) {
    const rows = await softDeleteIntents(executor, scope, tables, operations);
    return rows.map((row) => ({ row }));
  }
  throw new TypeError(`operations of the kind ${operations[0]?.kind} are performed one by one`);
}

/** Persists intents together, each with an outcome of its own. Throws a database error if that is impossible. */
export async function performIntents(
  executor: Executor,
  scope: Scope,
  tables: StatusTables,
  intents: readonly OperationOf<'persistIntent'>[],
): Promise<Outcome[]> {
  const persisted = await persistIntents(executor, scope, tables, intents);
  return persisted.map((one) => (one instanceof Error ? { error: storedError(one) } : one));
}

/** Performs one operation in the executor's transaction. A refusal by the rules is an outcome, not an error. */
export async function performOrRefuse(
  executor: Executor,
  scope: Scope,
  tables: StatusTables,
  operation: Operation,
): Promise<Outcome> {
  try {
    return await perform(executor, scope, tables, operation);
  } catch (error) {
    if (error instanceof IntendantError && error.cause === undefined) return { error: storedError(error) };
    throw error;
  }
}
