import { IntendantError } from '@intendant/core';
import type { Executor, Scope } from '@intendant/core/internal';
import { type IntentToPersist, persistIntent, persistIntents } from '../intent/persist-intent.ts';
import { deleteIntent, purgeIntent, purgeStaleRows, softDeleteIntent } from '../intent/remove.ts';
import type { StatusTables } from '../resource/status-tables.ts';
import { writeMarksWithJobs } from '../status/mark-jobs.ts';
import type { Mark } from '../status/marks.ts';
import type { Operation, WaitingOperation } from './operation.ts';
import { type Outcome, storedError } from './result.ts';

/** Writes marks of one caller together. */
export async function carryOutMarks(
  executor: Executor,
  scope: Scope,
  tables: StatusTables,
  waiting: readonly WaitingOperation[],
): Promise<Outcome[]> {
  const marks = waiting.map(({ operation }) => operation as Mark);
  const results = await writeMarksWithJobs(executor, scope, tables, marks, (run) => run(executor));
  return results.map((verdict) => ({ verdict }));
}

/** Persists intents of one caller together, in order. Throws a database error if that is impossible. */
export async function carryOutIntents(
  executor: Executor,
  scope: Scope,
  tables: StatusTables,
  waiting: readonly WaitingOperation[],
): Promise<Outcome[]> {
  const intents = waiting.map(({ operation }) => operation as IntentToPersist);
  const persisted = await persistIntents(executor, scope, tables, intents);
  return persisted.map((one) => (one instanceof Error ? { error: storedError(one) } : one));
}

/** Executes one operation, in the executor's transaction. A refusal by the rules is a result, not an error. */
export async function carryOut(
  executor: Executor,
  scope: Scope,
  tables: StatusTables,
  operation: Exclude<Operation, { kind: 'mark' }>,
): Promise<Outcome> {
  try {
    return await attempt(executor, scope, tables, operation);
  } catch (error) {
    if (error instanceof IntendantError && error.cause === undefined) return { error: storedError(error) };
    throw error;
  }
}

async function attempt(
  executor: Executor,
  scope: Scope,
  tables: StatusTables,
  operation: Exclude<Operation, { kind: 'mark' }>,
): Promise<Outcome> {
  switch (operation.kind) {
    case 'persistIntent':
      return persistIntent(executor, scope, tables, operation, (run) => run(executor), true);
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
