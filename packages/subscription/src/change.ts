import { type AnyTable, ConfigurationError, type RecordOf } from '@intendant/core';
import type { Position } from './position.ts';

/** The kind of a change. */
export type Operation = 'insert' | 'update' | 'delete';

export const OPERATIONS: readonly Operation[] = ['insert', 'update', 'delete'];

/** The operations asked for; all by default. Throws ConfigurationError for an unknown one. */
export function readOperations(given: readonly Operation[] = OPERATIONS): readonly Operation[] {
  const isKnown = (operation: unknown) => OPERATIONS.some((known) => known === operation);
  if (Array.isArray(given) && given.length > 0 && given.every(isKnown)) return given;
  throw new ConfigurationError(
    `subscribe: there is no operation ${JSON.stringify(given)}; choose from ${OPERATIONS.join(', ')}`,
  );
}

/** Fields of a table that is not known to the compiler. */
export type AnyFields = Readonly<Record<string, unknown>>;

/** One row change, as committed. `R` is the type of the record, `K` that of the key. */
export interface Change<R = AnyFields, K = AnyFields> {
  /** The table's name as defined, e.g. `vm`. */
  readonly table: string;
  /** A soft delete is a `delete` and its undoing an `insert`, both with `isSoft`. TRUNCATE is a `delete` of each row. */
  readonly operation: Operation;
  /** True for what a soft delete hid, and for what came back from one: the row itself is still there. */
  readonly isSoft: boolean;
  /**
   * True for the `delete` of a row that a soft delete had hidden, and that was delivered as a `delete` then: purges make them.
   * Leave it out when you count rows.
   */
  readonly isPurge: boolean;
  /** The key's fields, e.g. `{ id: 'VM1' }`. */
  readonly key: K;
  /** Null where the table has no such column. */
  readonly orgId: string | null;
  /** The instance of the row; null where the table has no instance column. */
  readonly instanceId: string | null;
  /** The row's revision after the change, or its last for a delete; null where the table has none. */
  readonly revision: number | null;
  /** Where the change stands in the total order; compare two as strings. */
  readonly position: Position;
  /** The database's clock when the statement ran, before its commit. */
  readonly occurredAt: Date;
  /** The row after the change (for a delete: before it), for tables whose feed carries rows. */
  readonly record?: R;
}

/** The key's fields of a table's records, e.g. `{ id: string }`. */
export type ChangedKeyOf<T extends AnyTable> = Readonly<Pick<RecordOf<T>, T['key'][number] & keyof RecordOf<T>>>;

/** The change of a table's record. */
export type ChangeOf<T extends AnyTable> = Change<RecordOf<T>, ChangedKeyOf<T>>;
