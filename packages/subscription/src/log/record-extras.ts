import type { AnyTable } from '@intendant/core';

type AnyRecord = Readonly<Record<string, unknown>>;

/** Fields that the records in a table's changes have in addition to their columns. */
export interface RecordExtras {
  readonly read: (record: AnyRecord) => AnyRecord;
  /** The values that each field may have: a subscriber's filter can compare the field with them. */
  readonly values: Readonly<Record<string, readonly string[]>>;
}

const extrasByTable = new WeakMap<AnyTable, RecordExtras>();

/**
 * Adds fields to the records in a table's changes, for readers that do not know the stored form, e.g. the name of a
 * status beside its weight. A column with the same name takes precedence. For sibling packages that define tables.
 */
export const addToRecords = (table: AnyTable, extras: RecordExtras): void => void extrasByTable.set(table, extras);

/** The record with the fields that were added for its table. */
export const withExtras = (table: AnyTable, record: AnyRecord): AnyRecord => {
  const extras = extrasByTable.get(table);
  return extras ? { ...extras.read(record), ...record } : record;
};

/** The values of an added field; undefined if the table has no such field. */
export const valuesOfExtra = (table: AnyTable, field: string): readonly string[] | undefined => {
  const values = extrasByTable.get(table)?.values;
  return values && Object.hasOwn(values, field) ? values[field] : undefined;
};
