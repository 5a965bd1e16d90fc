import type { Column } from '../table/column.ts';
import type { RegisteredTable } from '../table/registered-table.ts';
import { quoteIdentifier } from './identifier.ts';
import { perTable } from './per-table.ts';

export const columnList = (columns: readonly Column[]): string =>
  columns.map((column) => quoteIdentifier(column.name)).join(', ');

/** Every column of the table in its order: what `readRow` takes. */
export const allColumns = perTable((table: RegisteredTable) => columnList(table.columns));
