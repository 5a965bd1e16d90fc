import type { Executor, Scope } from '@intendant/core/internal';
import { LEFTOVER_SQLSTATE } from '../job/job-functions.ts';
import type { StatusTables } from '../resource/status-tables.ts';
import { lockOverallStatus } from '../status/overall-status.ts';
import { type IntentToPersist, persistIntent, persistIntents } from './persist-intent.ts';

const TOGETHER = 100;

type Row = readonly (string | null)[];

/**
 * Persists intents in order, in one transaction, with a hundred in each round trip. If an id is used again, all are
 * persisted one by one, which is slower. Throws what `persistIntent` throws; then nothing is changed.
 */
export async function persistMany(
  inTransaction: <Result>(run: (executor: Executor) => Promise<Result>) => Promise<Result>,
  isTransaction: boolean,
  scope: Scope,
  tables: StatusTables,
  intents: readonly IntentToPersist[],
): Promise<Row[]> {
  const oneByOne = () => inTransaction((executor) => persistEach(executor, scope, tables, intents));
  if (isTransaction) return oneByOne();
  try {
    return await inTransaction((executor) => persistTogether(executor, scope, tables, intents));
  } catch (error) {
    if ((error as { code?: string }).code === LEFTOVER_SQLSTATE || isLeftover(error)) return oneByOne();
    throw error;
  }
}

/** The transaction has already translated the error. */
const isLeftover = (error: unknown): boolean =>
  error instanceof Error && (error.cause as { code?: string } | undefined)?.code === LEFTOVER_SQLSTATE;

async function persistTogether(
  executor: Executor,
  scope: Scope,
  tables: StatusTables,
  intents: readonly IntentToPersist[],
): Promise<Row[]> {
  const rows: Row[] = [];
  await executor.run(scope, [
    lockOverallStatus(
      tables,
      intents.map(({ identity }) => identity),
    ),
  ]);
  for (let first = 0; first < intents.length; first += TOGETHER) {
    for (const row of await persistIntents(executor, scope, tables, intents.slice(first, first + TOGETHER))) {
      if (row instanceof Error) throw row;
      rows.push(row);
    }
  }
  return rows;
}

async function persistEach(
  executor: Executor,
  scope: Scope,
  tables: StatusTables,
  intents: readonly IntentToPersist[],
): Promise<Row[]> {
  const rows: Row[] = [];
  for (const intent of intents)
    rows.push(await persistIntent(executor, scope, tables, intent, (run) => run(executor), true));
  return rows;
}
