import { type AnyTable, ConfigurationError, type RecordOf } from '@intendant/core';
import type { Position } from './position.ts';

/** The kind of a change. */
export type Operation = 'insert' | 'update' | 'delete';

export const OPERATIONS: readonly Operation[] = ['insert', 'update', 'delete'];

/** Returns the requested operations, by default all. Throws ConfigurationError for an unknown one. */
export function readOperations(given: readonly Operation[] = OPERATIONS): readonly Operation[] {
  const isKnown = (operation: unknown) => OPERATIONS.some((known) => known === operation);
  if (Array.isArray(given) && given.length > 0 && given.every(isKnown)) return given;
  throw new ConfigurationError(
    `subscribe: there is no operation ${JSON.stringify(given)}; choose from ${OPERATIONS.join(', ')}`,
  );
}

/** The fields of a table whose type the compiler does not know. */
export type AnyFields = Readonly<Record<string, unknown>>;

/** One row change, as committed. `R` is the type of the record, `K` that of the key. */
export interface Change<R = AnyFields, K = AnyFields> {
  /** The table's name as defined, e.g. `vm`. */
  readonly table: string;
  /** A soft delete is a `delete`, and undoing it is an `insert`, both with `isSoft`. TRUNCATE is a `delete` of each row. */
  readonly operation: Operation;
  /** True for a soft delete and for undoing it: the row itself remains in the table. */
  readonly isSoft: boolean;
  /**
   * True for the `delete` of a row that was soft-deleted before, e.g. by a purge. A `delete` was already delivered for
   * the soft delete, so do not count this one when you count rows.
   */
  readonly isPurge: boolean;
  /** The key's fields, e.g. `{ id: 'VM1' }`. */
  readonly key: K;
  /** Null if the table has no `org_id` column. */
  readonly orgId: string | null;
  /** The instance of the row; null where the table has no instance column. */
  readonly instanceId: string | null;
  /** The row's revision after the change, or its last for a delete; null where the table has none. */
  readonly revision: number | null;
  /** The place of the change in the total order. Positions are compared as strings. */
  readonly position: Position;
  /** The time at which the statement ran, by the database's clock. The commit came later. */
  readonly occurredAt: Date;
  /** The row after the change (for a delete: before it). Only for tables whose feed carries records. */
  readonly record?: R;
}

/** The key's fields of a table's records, e.g. `{ id: string }`. */
export type ChangedKeyOf<T extends AnyTable> = Readonly<Pick<RecordOf<T>, T['key'][number] & keyof RecordOf<T>>>;

/** The change of a table's record. */
export type ChangeOf<T extends AnyTable> = Change<RecordOf<T>, ChangedKeyOf<T>>;
