import { InvalidRecordError, RecordNotFoundError, RevisionConflictError } from '@intendant/core';
import { describeKey, type RegisteredTable } from '@intendant/core/internal';
import { idOf, type MessageKey, printId, shortId } from './metadata.ts';

export const noMessage = (key: MessageKey): InvalidRecordError =>
  new InvalidRecordError(`${printId(idOf(key))}: the value is not a message; make one with create()`, {
    details: { id: shortId(idOf(key)) },
  });

const subject = (table: RegisteredTable, key: MessageKey) => ({ table: table.name, key: describeKey(table, key) });

export const notFound = (table: RegisteredTable, key: MessageKey): RecordNotFoundError =>
  new RecordNotFoundError(`${table.name} ${printId(idOf(key))}: not found, or not visible to the caller`, {
    details: subject(table, key),
  });

export const conflict = (operation: string, table: RegisteredTable, key: MessageKey): RevisionConflictError =>
  new RevisionConflictError(
    `${operation} ${table.name} ${printId(idOf(key))}: the message is no longer at the revision given; read it again`,
    { details: subject(table, key) },
  );

export const ambiguous = (table: RegisteredTable, key: MessageKey): InvalidRecordError =>
  new InvalidRecordError(
    `${table.name} ${printId(idOf(key))}: ${table.sharesKeys ? 'several instances have a message with this id, and this store has no instancer' : 'the caller sees several messages with this id'}; name orgId and instanceId`,
    { details: subject(table, key) },
  );
