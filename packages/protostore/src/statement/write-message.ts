import {
  type Column,
  perTable,
  primaryKeyName,
  quoteIdentifier,
  type RegisteredTable,
  type Statement,
  suppliedColumns,
  type WireValue,
  type WritableRow,
} from '@intendant/core/internal';
import { metadataColumnList } from './message-columns.ts';

/*
 * Core's statements, but for two things: they don't send the message back, and they leave `parent_id` alone when the
 * writer says nothing about it.
 */

export interface MessageWrite {
  readonly row: WritableRow;
  /** Whether the writer said who the parent is. */
  readonly namesParent: boolean;
}

/** Texts are built once: one string object for one text spares the driver's look-up its hash. */
interface WriteTexts {
  readonly insert: string;
  /** By what the writer says: see `shapeOf`. */
  readonly update: Readonly<Record<WriteShape, string>>;
  readonly upsert: Readonly<Record<WriteShape, string>>;
}

const SHAPES = ['bare', 'parent', 'revision', 'parent and revision'] as const;
type WriteShape = (typeof SHAPES)[number];

const shapeOf = ({ row, namesParent }: MessageWrite): WriteShape => {
  if (row.revision === undefined) return namesParent ? 'parent' : 'bare';
  return namesParent ? 'parent and revision' : 'revision';
};

const textsOf = perTable(
  (table): WriteTexts => ({
    insert: `${insertText(table)} returning ${metadataColumnList(table)}`,
    update: ofShapes((shape) => updateText(table, shape)),
    upsert: ofShapes((shape) => upsertText(table, shape)),
  }),
);

const ofShapes = (build: (shape: WriteShape) => string) =>
  Object.fromEntries(SHAPES.map((shape) => [shape, build(shape)])) as Record<WriteShape, string>;

const namesRevision = (shape: WriteShape): boolean => shape.endsWith('revision');

const quotedList = (columns: readonly Column[]): string => columns.map(({ name }) => quoteIdentifier(name)).join(', ');

const insertText = (table: RegisteredTable): string => {
  const columns = suppliedColumns(table);
  return `insert into ${table.qualifiedName} as stored (${quotedList(columns)})
    values (${columns.map((_, index) => `$${index + 1}`).join(', ')})`;
};

function updateText(table: RegisteredTable, shape: WriteShape): string {
  const replaced = replacedColumns(table, shape);
  const first = replaced.length + 1;
  return `update ${table.qualifiedName}
    set ${replaced.map(({ name }, index) => `${quoteIdentifier(name)} = $${index + 1}`).join(', ')}
    where ${table.identity.map(({ name }, index) => `${quoteIdentifier(name)} = $${first + index}`).join(' and ')}
      and deleted_at is null
      ${namesRevision(shape) ? `and revision = $${first + table.identity.length}` : ''}
    returning ${metadataColumnList(table)}`;
}

function upsertText(table: RegisteredTable, shape: WriteShape): string {
  const assignments = replacedColumns(table, shape).map(
    ({ name }) => `${quoteIdentifier(name)} = excluded.${quoteIdentifier(name)}`,
  );
  return `${insertText(table)}
    on conflict on constraint ${quoteIdentifier(primaryKeyName(table.name))}
    do update set ${[...assignments, 'deleted_at = null'].join(', ')}
    ${namesRevision(shape) ? `where stored.revision = $${suppliedColumns(table).length + 1}` : ''}
    returning ${metadataColumnList(table)}`;
}

const replacedColumns = (table: RegisteredTable, shape: WriteShape): readonly Column[] =>
  suppliedColumns(table).filter(
    (column) =>
      !table.identity.includes(column) &&
      column.name !== 'instance_id' &&
      (column.name !== 'parent_id' || shape.startsWith('parent')),
  );

/** A new message begins at revision 1, whatever metadata it comes with. */
export const insertMessage = (table: RegisteredTable, { row }: MessageWrite): Statement => ({
  name: 'insert-message',
  text: textsOf(table).insert,
  values: row.values,
});

/** Answers no row when there is none alive with this identity, or it is at another revision. */
export function updateMessage(table: RegisteredTable, write: MessageWrite): Statement {
  const shape = shapeOf(write);
  const supplied = suppliedColumns(table);
  const suppliedValue = (column: Column) => write.row.values[supplied.indexOf(column)] ?? null;
  const values = [...replacedColumns(table, shape), ...table.identity].map(suppliedValue);
  return { name: 'update-message', text: textsOf(table).update[shape], values: withRevision(values, write) };
}

/**
 * Inserts, or replaces what is there, soft-deleted or not. Without a revision that is unconditional in one statement,
 * so of writers at the same time each counts once and the last one's message stays. Answers no row when the revision
 * is another.
 */
export const upsertMessage = (table: RegisteredTable, write: MessageWrite): Statement => ({
  name: 'upsert-message',
  text: textsOf(table).upsert[shapeOf(write)],
  values: withRevision(write.row.values, write),
});

const withRevision = (values: readonly WireValue[], { row }: MessageWrite): readonly WireValue[] =>
  row.revision === undefined ? values : [...values, row.revision];
