import { OperationNotAllowedError } from '../error/intendant-error.ts';
import type { RegisteredTable } from '../table/registered-table.ts';

/** A method of a session that changes records. */
export type ChangingVerb =
  | 'insert'
  | 'insertMany'
  | 'update'
  | 'updateMany'
  | 'upsert'
  | 'softDelete'
  | 'delete'
  | 'deleteMany';

/** The message for a change that a part refuses. It names the method to use instead. */
export type ChangeRefusal = (verb: ChangingVerb) => string;

/** Throws OperationNotAllowedError when a part has refused changes of the table. */
export function checkChange(
  refusals: ReadonlyMap<string, ChangeRefusal>,
  table: RegisteredTable,
  verb: ChangingVerb,
): void {
  const refusal = refusals.get(table.name);
  if (refusal) throw new OperationNotAllowedError(refusal(verb), { details: { table: table.name } });
}
