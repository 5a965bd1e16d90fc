import type { Column } from '../table/column.ts';
import type { RegisteredTable } from '../table/registered-table.ts';
import { quoteIdentifier } from './identifier.ts';
import { perTable } from './per-table.ts';

export const columnList = (columns: readonly Column[]): string =>
  columns.map((column) => quoteIdentifier(column.name)).join(', ');

/** All columns of the table, in the order that `readRow` requires. */
export const allColumns = perTable((table: RegisteredTable) => columnList(table.columns));

/**
 * The value of a column in a new row: the parameter in `placeholder`, or the default that the database computes if the
 * parameter is null.
 */
export const newValue = ({ databaseDefault, format }: Column, placeholder: string): string =>
  databaseDefault === undefined ? placeholder : `coalesce(${placeholder}::${format.sqlType}, ${databaseDefault})`;
