import type { Executor, Scope } from '@intendant/core/internal';
import { enqueueWaiting } from '../job/enqueue.ts';
import type { StatusTables } from '../resource/status-tables.ts';
import { lockOf, type Mark, type MarkResult, writeLockedMarks, writeMarks, writeOneMark } from './marks.ts';
import { deleteUnknownStatus, insertOrLockOverallStatus, lockOverallStatus } from './overall-status.ts';

/** The statuses whose marks require work. */
const isPendingMark = ({ status }: Pick<Mark, 'status'>): boolean =>
  status === 'PENDING' || status === 'DELETION_PENDING';

/**
 * Writes marks as `writeMarks` does, and adds a job for each resource that is now pending. Inside a transaction, which
 * keeps its locks until its end, existing and missing rows are locked in one order.
 */
export async function writeMarksWithJobs(
  executor: Executor,
  scope: Scope,
  tables: StatusTables,
  marks: readonly Mark[],
): Promise<MarkResult[]> {
  if (!executor.isTransaction && !marks.some(isPendingMark)) return writeMarks(executor, scope, tables, marks);
  const [mark] = marks;
  const single =
    mark && marks.length === 1 ? await writeOneMark(executor, scope, tables, mark, isPendingMark(mark)) : undefined;
  return single ? [single] : executor.transaction((tx) => writeSetWithJobs(tx, scope, tables, marks));
}

async function writeSetWithJobs(
  executor: Executor,
  scope: Scope,
  tables: StatusTables,
  marks: readonly Mark[],
): Promise<MarkResult[]> {
  const results =
    marks.length > 1
      ? await lockAndWrite(executor, scope, tables, marks)
      : await writeMarks(executor, scope, tables, marks);
  const accepted = marks.filter((mark, index) => isPendingMark(mark) && results[index]?.verdict === 'accepted');
  for (const [point, pending] of Map.groupBy(accepted, ({ enforcementPoint }) => enforcementPoint)) {
    const identities = pending.map(({ identity }) => identity);
    await executor.run(scope, [
      lockOverallStatus(tables, identities),
      enqueueWaiting(tables, point, identities, 'intent'),
    ]);
  }
  return results;
}

async function lockAndWrite(
  executor: Executor,
  scope: Scope,
  tables: StatusTables,
  marks: readonly Mark[],
): Promise<MarkResult[]> {
  const identities = marks.map(({ identity }) => identity);
  await executor.run(scope, [insertOrLockOverallStatus(tables, marks.map(lockOf))]);
  const results = await writeLockedMarks(executor, scope, tables, marks);
  await executor.run(scope, [deleteUnknownStatus(tables, identities)]);
  return results;
}
