import type { AnyTable, RecordOf } from '@intendant/core';
import { type RegisteredTable, readRow } from '@intendant/core/internal';
import type { PersistResult } from '../intent/persist-result.ts';
import { type Outcome, revivedError } from '../operation/result.ts';
import type { StatusTables } from '../resource/status-tables.ts';
import type { MarkResult } from '../status/marks.ts';

/** Returns the results of submitted operations, in the form in which the operations themselves return them. */

export function readRecord(table: RegisteredTable, outcome: Outcome | undefined): Record<string, unknown> | undefined {
  const { row } = expected(outcome, 'row');
  return row === null ? undefined : readRow(table, row);
}

export const readPersisted = <T extends AnyTable>(
  { resource }: StatusTables,
  outcome: Outcome | undefined,
): PersistResult<T> => ({
  record: readRecord(resource, outcome) as RecordOf<T>,
  status: expected(outcome, 'row').status ?? 'PENDING',
});

/** Throws the first of these errors, with the indexes of all in its details. */
export function throwFirstRefused(outcomes: readonly Outcome[]): void {
  const errors = outcomes.flatMap((outcome, index) => ('error' in outcome ? [{ index, error: outcome.error }] : []));
  const [first] = errors;
  if (first === undefined) return;
  const refused = errors.map(({ index }) => index);
  throw revivedError({ ...first.error, details: { ...first.error.details, refused } });
}

export const readCount = (outcome: Outcome | undefined): number => expected(outcome, 'count').count;

export const readVerdict = (outcome: Outcome): MarkResult => expected(outcome, 'verdict').verdict;

/** Throws the error if there is one instead of a result. */
function expected<Kind extends 'row' | 'count' | 'verdict'>(
  outcome: Outcome | undefined,
  kind: Kind,
): Extract<Outcome, Record<Kind, unknown>> {
  if (outcome !== undefined && 'error' in outcome) throw revivedError(outcome.error);
  if (outcome !== undefined && kind in outcome) return outcome as Extract<Outcome, Record<Kind, unknown>>;
  throw new TypeError(`the result of a submitted operation contains no ${kind}`);
}
