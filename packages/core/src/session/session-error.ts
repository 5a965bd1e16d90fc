import { InvalidRecordError, RecordNotFoundError, RevisionConflictError } from '../error/intendant-error.ts';
import { describeKey } from '../record/describe-key.ts';
import type { RegisteredTable } from '../table/registered-table.ts';

const subject = (table: RegisteredTable, key: unknown) => ({ table: table.name, key: describeKey(table, key) });

/** The caller can see no record with this key. */
export const notFound = (table: RegisteredTable, key: unknown): RecordNotFoundError =>
  new RecordNotFoundError(
    `${table.name} ${JSON.stringify(describeKey(table, key))}: not found, or not visible to the caller`,
    {
      details: subject(table, key),
    },
  );

/** The record exists at another revision. */
export const conflict = (operation: string, table: RegisteredTable, key: unknown): RevisionConflictError =>
  new RevisionConflictError(
    `${operation} ${table.name} ${JSON.stringify(describeKey(table, key))}: the record is not, or no longer, at the revision given; read it again`,
    { details: subject(table, key) },
  );

/** Several records of different orgs or instances have this key. */
export const ambiguous = (table: RegisteredTable, key: unknown): InvalidRecordError =>
  new InvalidRecordError(
    `${table.name} ${JSON.stringify(describeKey(table, key))}: ${table.sharesKeys ? 'several instances have a record with this key, and this store has no instancer' : 'the caller sees several records with this key'}; name orgId and instanceId`,
    { details: subject(table, key) },
  );
