import {
  type Column,
  changedCondition,
  type IdentityValue,
  insertedRow,
  insertedValues,
  isOpenKey,
  perShape,
  perTable,
  primaryKeyName,
  quoteIdentifier,
  type RegisteredTable,
  type Statement,
  soleCondition,
  soleOfKey,
  suppliedColumns,
  valuesUnlessMissing,
  type WireValue,
  type WritableRow,
} from '@intendant/core/internal';
import { metadataColumnList } from './message-columns.ts';

/*
 * Core's statements, with two differences: they do not send the message back, and they leave `parent_id` alone when the
 * writer says nothing about it.
 */

export interface MessageWrite {
  readonly row: WritableRow;
  /** Whether the writer named the parent. */
  readonly namesParent: boolean;
  /** What names the message. */
  readonly identity: readonly IdentityValue[];
}

/** What the text of a write depends on, besides the table. */
const shapeOf = ({ row, namesParent, identity }: MessageWrite): string =>
  `${row.revision !== undefined} ${namesParent} ${identity.length}`;

const insertText = perTable((table) => `${insertInto(table)} returning ${metadataColumnList(table)}`);

/** One string object for one text spares the driver's look-up its hash. */
const updateText = perShape<MessageWrite>((table, write) => {
  const { row, identity } = write;
  const replaced = replacedColumns(table, write);
  const first = replaced.length + 1;
  const revision = row.revision === undefined ? '' : ` and revision = $${first + identity.length}`;
  return `update ${table.qualifiedName} as stored
    set ${replaced.map(({ name }, index) => `${quoteIdentifier(name)} = $${index + 1}`).join(', ')}
    where ${changedCondition(table, identity, first)} and deleted_at is null${revision}${soleCondition(table, identity, 'alive')}
    returning ${metadataColumnList(table)}`;
});

const upsertText = perShape<MessageWrite>((table, write) => {
  const { row } = write;
  const assignments = replacedColumns(table, write)
    .filter((column) => !table.identity.includes(column))
    .map(({ name }) => `${quoteIdentifier(name)} = excluded.${quoteIdentifier(name)}`);
  const conditions = [
    ...(row.revision === undefined ? [] : [`stored.revision = $${suppliedColumns(table).length + 1}`]),
    ...(row.findsInstance ? [soleOfKey(table, 'all')] : []),
  ];
  const insert =
    row.revision === undefined
      ? insertInto(table)
      : `${insertColumns(table)} ${valuesUnlessMissing(table, row.findsInstance ?? false)}`;
  return `${insert}
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

/** All but the identity, an instance that the writer does not name, and a parent that the writer does not name. */
const replacedColumns = (table: RegisteredTable, { identity, namesParent }: MessageWrite): readonly Column[] =>
  suppliedColumns(table).filter(
    (column) =>
      !table.identity.includes(column) &&
      !(column.name === 'instance_id' && isOpenKey(table, identity)) &&
      (column.name !== 'parent_id' || namesParent),
  );

/** A new message begins at revision 1, whatever metadata it comes with. */
export const insertMessage = (table: RegisteredTable, { row }: MessageWrite): Statement => ({
  name: 'insert-message',
  text: insertText(table),
  values: insertedRow(table, row),
});

/** Returns no row when none that is not soft-deleted has this identity, when several have it, or at another revision. */
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
 * Inserts, or replaces what is there, soft-deleted or not. Without a revision that is unconditional in one statement,
 * so of writers at the same time each counts once and the last one's message stays. A revision from 1 only replaces, 0 only
 * inserts. Returns no row when the revision is another, when there is nothing to replace, or when several instances have a message of the id.
 */
export const upsertMessage = (table: RegisteredTable, write: MessageWrite): Statement => ({
  name: 'upsert-message',
  text: upsertText(table, shapeOf(write), write),
  values: withRevision(insertedRow(table, write.row), write),
});

const withRevision = (values: readonly WireValue[], { row }: MessageWrite): readonly WireValue[] =>
  row.revision === undefined ? values : [...values, row.revision];
