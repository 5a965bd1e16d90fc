import { derivedName } from '../statement/identifier.ts';

/** Upserts name the constraint instead of its columns, so they work with and without `instance_id` in the key. */
export const primaryKeyName = (tableName: string): string => derivedName(tableName, 'pkey');

export const checkName = (tableName: string, columnName: string): string => derivedName(tableName, columnName, 'check');

export const indexName = (tableName: string, columnNames: readonly string[]): string =>
  derivedName(tableName, ...columnNames, 'idx');
