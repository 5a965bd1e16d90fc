import {
  type Column,
  changedCondition,
  type IdentityValue,
  insertedRow,
  insertedValues,
  isOpenKey,
  noOtherHasKey,
  onlyReplaces,
  perShape,
  perTable,
  primaryKeyName,
  quoteIdentifier,
  type RegisteredTable,
  type Statement,
  suppliedColumns,
  uniqueKeyCondition,
  upsertedValues,
  type WireValue,
  type WritableRow,
} from '@intendant/core/internal';
import { metadataColumnList } from './message-columns.ts';

/*
 * Core's statements with two differences: they do not return the message, and they do not change `parent_id` if the writer
 * does not give it.
 */

export interface MessageWrite {
  readonly row: WritableRow;
  /** Whether the write sets the parent. */
  readonly namesParent: boolean;
  /** The columns that identify the message, with their values. */
  readonly identity: readonly IdentityValue[];
  /** Whether an update also replaces a soft-deleted message and makes it visible again. Default false. */
  readonly revives?: boolean;
}

/** The key of a statement's text within its table. */
const shapeOf = ({ row, namesParent, identity, revives = false }: MessageWrite): string =>
  `${row.revision !== undefined} ${namesParent} ${identity.length} ${revives}`;

const insertText = perTable((table) => `${insertInto(table)} returning ${metadataColumnList(table)}`);

/** Returns the same string object for the same text, so that the driver does not hash it again. */
const updateText = perShape<MessageWrite>((table, write) => {
  const { row, identity, revives } = write;
  const replaced = replacedColumns(table, write);
  const first = replaced.length + 1;
  const revision = row.revision === undefined ? '' : ` and revision = $${first + identity.length}`;
  return `update ${table.qualifiedName} as stored
    set ${replaced.map(({ name }, index) => `${quoteIdentifier(name)} = $${index + 1}`).join(', ')}${revives ? ', deleted_at = null' : ''}
    where ${changedCondition(table, identity, first)}${revives ? '' : ' and deleted_at is null'}${revision}${uniqueKeyCondition(table, identity, revives ? 'all' : 'alive')}
    returning ${metadataColumnList(table)}`;
});

const upsertText = perShape<MessageWrite>((table, write) => {
  const { row } = write;
  const assignments = replacedColumns(table, write)
    .filter((column) => !table.identity.includes(column))
    .map(({ name }) => `${quoteIdentifier(name)} = excluded.${quoteIdentifier(name)}`);
  const conditions = [
    ...(row.revision === undefined ? [] : [`stored.revision = $${suppliedColumns(table).length + 1}`]),
    ...(row.findsInstance ? [noOtherHasKey(table, 'all')] : []),
  ];
  return `${insertColumns(table)}
    ${upsertedValues(table, row.revision !== undefined, row.findsInstance ?? false)}
    on conflict on constraint ${quoteIdentifier(primaryKeyName(table.name))}
    do update set ${[...assignments, 'deleted_at = null'].join(', ')}
    ${conditions.length > 0 ? `where ${conditions.join(' and ')}` : ''}
    returning ${metadataColumnList(table)}`;
});

const insertColumns = (table: RegisteredTable): string =>
  `insert into ${table.qualifiedName} as stored (${suppliedColumns(table)
    .map(({ name }) => quoteIdentifier(name))
    .join(', ')})`;

const insertInto = (table: RegisteredTable): string => `${insertColumns(table)}
    values (${insertedValues(table)})`;

/** All columns except the identity, and except instance and parent if the writer does not give them. */
const replacedColumns = (table: RegisteredTable, { identity, namesParent }: MessageWrite): readonly Column[] =>
  suppliedColumns(table).filter(
    (column) =>
      !table.identity.includes(column) &&
      !(column.name === 'instance_id' && isOpenKey(table, identity)) &&
      (column.name !== 'parent_id' || namesParent),
  );

/** A new message starts at revision 1, even if its metadata has another revision. */
export const insertMessage = (table: RegisteredTable, { row }: MessageWrite): Statement => ({
  name: 'insert-message',
  text: insertText(table),
  values: insertedRow(table, row),
});

/** Returns no row if no message with this identity exists (or it is soft-deleted), if several exist, or at another revision. */
export function updateMessage(table: RegisteredTable, write: MessageWrite): Statement {
  const supplied = suppliedColumns(table);
  const values = [
    ...replacedColumns(table, write).map((column) => write.row.values[supplied.indexOf(column)] ?? null),
    ...write.identity.map(({ value }) => value),
  ];
  return {
    name: 'update-message',
    text: updateText(table, shapeOf(write), write),
    values: withRevision(values, write),
  };
}

/**
 * Inserts the message, or replaces the stored one, soft-deleted or not. Without a revision this is one unconditional
 * statement: of several concurrent writers each adds 1 to the revision, and the message of the last one stays. A revision
 * of 1 or more only replaces, and 0 only inserts. Returns no row if the stored revision differs, if there is nothing to replace, or
 * if several instances have a message with the id.
 */
export function upsertMessage(table: RegisteredTable, write: MessageWrite): Statement {
  if (onlyReplaces(table, write.row)) return updateMessage(table, { ...write, revives: true });
  return {
    name: 'upsert-message',
    text: upsertText(table, shapeOf(write), write),
    values: withRevision(insertedRow(table, write.row), write),
  };
}

const withRevision = (values: readonly WireValue[], { row }: MessageWrite): readonly WireValue[] =>
  row.revision === undefined ? values : [...values, row.revision];
