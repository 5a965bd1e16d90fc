import { MarkingFailedError, RecordNotFoundError, RevisionConflictError } from '@intendant/core';
import { describeKey, type RegisteredTable } from '@intendant/core/internal';
import type { MarkResult } from './marks.ts';

/** Collects the results of marks with one status, with the references of their caller. */
export interface JudgedMarks {
  readonly table: RegisteredTable;
  readonly references: readonly { readonly revision: number }[];
  readonly enforcementPoint: string;
  readonly status: string;
  readonly results: readonly MarkResult[];
}

/** Throws the refusal; for several, a new error with the message of the first and a list of all. */
export function throwRefused({ references, results, ...common }: JudgedMarks): void {
  const failures = results.flatMap((result, index) => {
    const reference = references[index] as { readonly revision: number };
    return markFailure({ ...common, reference, result }) ?? [];
  });
  const [first] = failures;
  if (!first) return;
  if (references.length === 1) throw first;
  throw new MarkingFailedError(
    `${failures.length} of ${references.length} marks were refused; the first: ${first.message}`,
    { details: { ...first.details, refused: failures.map(({ details }) => details) }, cause: first.cause },
  );
}

interface RefusedMark {
  readonly table: RegisteredTable;
  readonly reference: { readonly revision: number };
  readonly enforcementPoint: string;
  readonly status: string;
  readonly result: MarkResult;
}

/** The reason why a mark was refused; undefined if it was accepted. */
function markFailure({
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
  const reason = reasonOf(result, reference.revision, enforcementPoint);
  const cause =
    result.verdict === 'stale'
      ? new RevisionConflictError(`${subject}: ${reason}`, { details })
      : new RecordNotFoundError(`${subject}: ${reason}`, { details });
  return new MarkingFailedError(`marking ${subject} ${status} at ${enforcementPoint} failed: ${reason}`, {
    details,
    cause,
  });
}

function reasonOf({ verdict, currentRevision }: MarkResult, revision: number, enforcementPoint: string): string {
  if (verdict === 'stale') return `revision ${revision} is stale, realize revision ${currentRevision}`;
  if (verdict === 'missing') return 'the resource does not exist; mark its deletion, or persist it first';
  if (verdict === 'removed-point')
    return `the enforcement point ${enforcementPoint} was removed; mark the resource's deletion there, or add the point again`;
  return `revision ${revision} does not exist, the newest is ${currentRevision}`;
}
