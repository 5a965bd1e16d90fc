import type { Column } from '../table/column.ts';
import type { RegisteredTable } from '../table/registered-table.ts';
import { quoteIdentifier } from './identifier.ts';
import { perTable } from './per-table.ts';

export const columnList = (columns: readonly Column[]): string =>
  columns.map((column) => quoteIdentifier(column.name)).join(', ');

/** Every column of the table in its order: what `readRow` takes. */
export const allColumns = perTable((table: RegisteredTable) => columnList(table.columns));

/** What a new row gets in a column: the value in `placeholder`, or where that is null the default that the database computes. */
export const newValue = ({ databaseDefault, format }: Column, placeholder: string): string =>
  databaseDefault === undefined ? placeholder : `coalesce(${placeholder}::${format.sqlType}, ${databaseDefault})`;
