import { quoteIdentifier, type RegisteredTable } from '@intendant/core/internal';

/** That a row `o` of `old_rows` and a row `n` of `new_rows` are two versions of one row, in SQL without a search_path. */
export const isSameRow = (table: RegisteredTable): string =>
  table.identity
    .map(({ name }) => `o.${quoteIdentifier(name)} operator(pg_catalog.=) n.${quoteIdentifier(name)}`)
    .join(' and ');

/**
 * The same, and the statement updated no other row. The sub-select with the offset is evaluated once, before the join, and
 * stops at the second row. `is true` hides the equality from the planner, which would otherwise plan a hash join.
 */
export const isOnlyRow = (table: RegisteredTable): string =>
  `(${isSameRow(table)}) is true and not exists (select from new_rows offset 1)`;
