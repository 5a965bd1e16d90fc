import type { AnyTable } from '@intendant/core';

type AnyRecord = Readonly<Record<string, unknown>>;
type Extras = (record: AnyRecord) => AnyRecord;

const extrasByTable = new WeakMap<AnyTable, Extras>();

/**
 * Adds fields to the records that changes of a table carry: what readers can understand without knowing the stored form,
 * such as a status' name beside its weight. A column of the same name takes precedence. For sibling packages that define tables.
 */
export const addToRecords = (table: AnyTable, extras: Extras): void => void extrasByTable.set(table, extras);

/** The record with what was added to its table's. */
export const withExtras = (table: AnyTable, record: AnyRecord): AnyRecord => {
  const extras = extrasByTable.get(table);
  return extras ? { ...extras(record), ...record } : record;
};
