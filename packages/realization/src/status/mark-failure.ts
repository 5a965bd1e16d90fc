import { MarkingFailedError, RecordNotFoundError, RevisionConflictError } from '@intendant/core';
import { describeKey, type RegisteredTable } from '@intendant/core/internal';
import type { MarkResult } from './marks.ts';

/** A mark that was refused, as its caller named it. */
export interface RefusedMark {
  readonly table: RegisteredTable;
  readonly reference: { readonly revision: number };
  readonly enforcementPoint: string;
  readonly status: string;
  readonly result: MarkResult;
}

/** Why one mark was refused; undefined for one that wasn't. */
export function markFailure({
  table,
  reference,
  enforcementPoint,
  status,
  result,
}: RefusedMark): MarkingFailedError | undefined {
  if (result.verdict === 'accepted') return undefined;
  const key = describeKey(table, reference);
  const subject = `${table.name} ${JSON.stringify(key)}`;
  const details = {
    table: table.name,
    key,
    revision: reference.revision,
    currentRevision: result.currentRevision,
    enforcementPoint,
    status,
  };
  const cause =
    result.verdict === 'stale'
      ? new RevisionConflictError(
          `${subject}: revision ${reference.revision} is stale, the resource is at ${result.currentRevision}`,
          { details },
        )
      : new RecordNotFoundError(`${subject}: there is none at revision ${reference.revision}`, { details });
  return new MarkingFailedError(
    `marking ${subject} ${status} at ${enforcementPoint} failed: ${reasonOf(result, reference.revision)}`,
    {
      details,
      cause,
    },
  );
}

function reasonOf({ verdict, currentRevision }: MarkResult, revision: number): string {
  if (verdict === 'stale') return `revision ${revision} is stale, realize revision ${currentRevision}`;
  if (verdict === 'missing') return 'the resource does not exist; mark its deletion, or persist it first';
  return `revision ${revision} does not exist, the newest is ${currentRevision}`;
}
