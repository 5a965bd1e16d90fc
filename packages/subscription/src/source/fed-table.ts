import { type AnyTable, ConfigurationError } from '@intendant/core';
import type { DataStoreInternals, RegisteredTable } from '@intendant/core/internal';

/** Returns the registered table. Throws TableNotRegisteredError, or ConfigurationError if its changes are not in the feed. */
export function fedTable(internals: DataStoreInternals, tableOrName: string | AnyTable): RegisteredTable {
  const table = internals.table(tableOrName);
  if (table.definition.feed) return table;
  throw new ConfigurationError(
    `${table.name}: the table is defined with feed: false, so its changes are not in the feed; remove feed: false from its definition`,
    { details: { table: table.name } },
  );
}
