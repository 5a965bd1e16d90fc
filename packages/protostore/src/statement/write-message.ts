import {
  type Column,
  type IdentityValue,
  primaryKeyName,
  quoteIdentifier,
  type RegisteredTable,
  type Statement,
  suppliedColumns,
  type WritableRow,
} from '@intendant/core/internal';
import { identityCondition, metadataColumnList } from './message-columns.ts';

/*
 * Core's statements, but for two things: they don't send the message back, and they leave `parent_id` alone when the
 * writer says nothing about it.
 */

export interface MessageWrite {
  readonly row: WritableRow;
  /** Whether the writer said who the parent is. */
  readonly namesParent: boolean;
}

const quotedList = (columns: readonly Column[]): string => columns.map(({ name }) => quoteIdentifier(name)).join(', ');

const insertSql = (table: RegisteredTable): string => {
  const columns = suppliedColumns(table);
  return `insert into ${table.qualifiedName} as stored (${quotedList(columns)})
    values (${columns.map((_, index) => `$${index + 1}`).join(', ')})`;
};

/** A new message begins at revision 1, whatever metadata it comes with. */
export const insertMessage = (table: RegisteredTable, { row }: MessageWrite): Statement => ({
  name: 'insert-message',
  text: `${insertSql(table)} returning ${metadataColumnList(table)}`,
  values: row.values,
});

/** Answers no row when there is none alive with this identity, or it is at another revision. */
export function updateMessage(
  table: RegisteredTable,
  write: MessageWrite,
  identity: readonly IdentityValue[],
): Statement {
  const supplied = suppliedColumns(table);
  const replaced = replacedColumns(table, write);
  const first = replaced.length + 1;
  const { revision, values } = write.row;
  return {
    name: 'update-message',
    text: `update ${table.qualifiedName}
      set ${replaced.map(({ name }, index) => `${quoteIdentifier(name)} = $${index + 1}`).join(', ')}
      where ${identityCondition(identity, first)} and deleted_at is null
        ${revision === undefined ? '' : `and revision = $${first + identity.length}`}
      returning ${metadataColumnList(table)}`,
    values: [
      ...replaced.map((column) => values[supplied.indexOf(column)] ?? null),
      ...identity.map(({ value }) => value),
      ...(revision === undefined ? [] : [revision]),
    ],
  };
}

/**
 * Inserts, or replaces what is there, soft-deleted or not. Without a revision that is unconditional in one statement,
 * so of writers at the same time each counts once and the last one's message stays. Answers no row when the revision
 * is another.
 */
export function upsertMessage(table: RegisteredTable, write: MessageWrite): Statement {
  const { revision, values } = write.row;
  const assignments = replacedColumns(table, write).map(
    ({ name }) => `${quoteIdentifier(name)} = excluded.${quoteIdentifier(name)}`,
  );
  return {
    name: 'upsert-message',
    text: `${insertSql(table)}
      on conflict on constraint ${quoteIdentifier(primaryKeyName(table.name))}
      do update set ${[...assignments, 'deleted_at = null'].join(', ')}
      ${revision === undefined ? '' : `where stored.revision = $${values.length + 1}`}
      returning ${metadataColumnList(table)}`,
    values: revision === undefined ? values : [...values, revision],
  };
}

const replacedColumns = (table: RegisteredTable, { namesParent }: MessageWrite): readonly Column[] =>
  suppliedColumns(table).filter(
    (column) =>
      !table.identity.includes(column) && column.name !== 'instance_id' && (namesParent || column.name !== 'parent_id'),
  );
