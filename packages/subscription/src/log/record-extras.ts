import type { AnyTable } from '@intendant/core';

type AnyRecord = Readonly<Record<string, unknown>>;
type Extras = (record: AnyRecord) => AnyRecord;

const extrasByTable = new WeakMap<AnyTable, Extras>();

/**
 * Adds fields to the records in a table's changes, for readers that do not know the stored form, e.g. the name of a
 * status beside its weight. A column with the same name takes precedence. For sibling packages that define tables.
 */
export const addToRecords = (table: AnyTable, extras: Extras): void => void extrasByTable.set(table, extras);

/** The record with the fields that were added for its table. */
export const withExtras = (table: AnyTable, record: AnyRecord): AnyRecord => {
  const extras = extrasByTable.get(table);
  return extras ? { ...extras(record), ...record } : record;
};
