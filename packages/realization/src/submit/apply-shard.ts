import { IntendantError, type Transaction } from '@intendant/core';
import {
  type DataStoreInternals,
  type Executor,
  type RegisteredTable,
  sessionInternalsOf,
  translateError,
  withinTrace,
} from '@intendant/core/internal';
import { isKind, type WaitingOperation } from '../operation/operation.ts';
import { performIntents, performMarks, performOrRefuse } from '../operation/perform.ts';
import { type Outcome, storedError } from '../operation/result.ts';
import { SERVICE_SCOPE } from '../resource/service-scope.ts';
import type { StatusTables } from '../resource/status-tables.ts';
import { lockFreeOverallStatus } from '../status/overall-status.ts';
import { finishOperations, takeShard, waitingOf, waitingOperations } from './operation-statements.ts';
import { inSteps } from './steps.ts';

/*
 * One batch of submitted operations is one transaction: their effects and their completion are committed together. So
 * each has its effect once, even if processes die at any time.
 *
 * Only one transaction at a time works on a shard, and it reads the waiting operations after it has locked the shard.
 * This keeps the operations of a resource in order. All resources of the batch are locked in advance in the order of
 * their identity, as every set is. If another transaction has locked a resource, all operations for it stay queued,
 * so that the others need not wait.
 *
 * A refusal by the rules is a result. A database error ends the transaction; the batch is then run again with a
 * savepoint around each step, so that only the failing operation fails.
 */

const BATCH = 100;

export interface ApplierParts {
  readonly store: DataStoreInternals;
  readonly operations: RegisteredTable;
  /** The tables, by the names in operations. */
  readonly tables: ReadonlyMap<string, StatusTables>;
}

/**
 * `more`: there may be more operations. `blocked`: all that remain are locked by others. `idle`: there are none, or
 * another process works on the shard.
 */
export type Applied = 'more' | 'blocked' | 'idle';

export async function applyShard(parts: ApplierParts, shard: number): Promise<Applied> {
  try {
    return await applyBatch(parts, shard, false);
  } catch (error) {
    if (isTransient(error)) throw error;
    return applyBatch(parts, shard, true);
  }
}

/** Whether the error is independent of the operations: a lost connection, or a deadlock. */
const isTransient = (error: unknown): boolean => {
  const translated = translateError(error, { operation: 'apply' });
  return translated instanceof IntendantError && translated.retryable;
};

function applyBatch(parts: ApplierParts, shard: number, usesSavepoints: boolean): Promise<Applied> {
  const { store, operations, tables } = parts;
  return store.transactionFor(SERVICE_SCOPE, async (tx) => {
    const { executor } = sessionInternalsOf(tx);
    const { taken, waiting } = await executor.run(SERVICE_SCOPE, {
      taken: takeShard(operations, shard),
      waiting: waitingOperations(operations, shard, [...tables.keys()], BATCH),
    });
    if (taken?.rows[0]?.[0] !== 't') return 'idle';
    const batch = waitingOf(waiting);
    if (batch.length === 0) return 'idle';
    const runnable = await lockResources(executor, tables, batch);
    const finished = await applyAll(tx, tables, runnable, usesSavepoints);
    if (finished.length > 0) await executor.run(SERVICE_SCOPE, [finishOperations(operations, finished)]);
    return finished.length > 0 ? 'more' : 'blocked';
  });
}

/** The operations whose resource is now locked, or has no row to lock. */
async function lockResources(
  executor: Executor,
  tables: ReadonlyMap<string, StatusTables>,
  batch: readonly WaitingOperation[],
): Promise<WaitingOperation[]> {
  const held = new Set<WaitingOperation>();
  const byTable = Map.groupBy(batch, ({ tableName }) => tableName);
  for (const name of [...byTable.keys()].sort()) {
    const operations = byTable.get(name) as WaitingOperation[];
    const identities = operations.map(({ operation }) => operation.identity);
    const locked = lockFreeOverallStatus(tables.get(name) as StatusTables, identities);
    const { found } = await executor.run(SERVICE_SCOPE, { found: locked });
    const elsewhere = JSON.parse(found?.rows[0]?.[2] ?? '[]') as number[];
    for (const ordinal of elsewhere) held.add(operations[ordinal - 1] as WaitingOperation);
  }
  return batch.filter((waiting) => !held.has(waiting));
}

export interface Finished {
  readonly waiting: WaitingOperation;
  readonly outcome: Outcome;
}

async function applyAll(
  tx: Transaction,
  tables: ReadonlyMap<string, StatusTables>,
  runnable: readonly WaitingOperation[],
  usesSavepoints: boolean,
): Promise<Finished[]> {
  const { executor } = sessionInternalsOf(tx);
  const finished: Finished[] = [];
  for (const step of inSteps(runnable, usesSavepoints ? 1 : BATCH)) {
    const [first] = step as [WaitingOperation, ...WaitingOperation[]];
    const status = tables.get(first.tableName) as StatusTables;
    const run = (): Promise<Outcome[]> => performStep(executor, status, step, usesSavepoints);
    const outcomes = usesSavepoints ? await inSavepoint(tx, run) : await run();
    for (const [index, waiting] of step.entries()) finished.push({ waiting, outcome: outcomes[index] as Outcome });
  }
  return finished;
}

/** As part of the trace that the step's operations were submitted in. */
function performStep(
  executor: Executor,
  tables: StatusTables,
  step: readonly WaitingOperation[],
  usesSavepoints: boolean,
): Promise<Outcome[]> {
  const { traceparent } = step[0] as WaitingOperation;
  return withinTrace(traceparent, () => performTogether(executor, tables, step, usesSavepoints));
}

async function performTogether(
  executor: Executor,
  tables: StatusTables,
  step: readonly WaitingOperation[],
  usesSavepoints: boolean,
): Promise<Outcome[]> {
  const { scope, operation } = step[0] as WaitingOperation;
  const operations = step.map(({ operation }) => operation);
  if (operations.every(isKind('mark'))) return performMarks(executor, scope, tables, operations);
  if (operations.every(isKind('persistIntent')) && !usesSavepoints)
    return performIntents(executor, scope, tables, operations);
  return [await performOrRefuse(executor, scope, tables, operation)];
}

async function inSavepoint(tx: Transaction, run: () => Promise<Outcome[]>): Promise<Outcome[]> {
  try {
    return await tx.transaction(run, { savepoint: true });
  } catch (error) {
    if (isTransient(error)) throw error;
    return [{ error: storedError(translateError(error, { operation: 'apply' })) }];
  }
}
