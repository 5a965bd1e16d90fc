import type { AnyTable } from '@intendant/core';
import { type DataStoreInternals, derivedName, type RegisteredTable } from '@intendant/core/internal';

/** A table whose resources are realized, with the two tables that hold their statuses. */
export interface RealizedTable {
  readonly name: string;
  readonly definition: AnyTable;
  readonly resource: RegisteredTable;
  readonly overall: RegisteredTable;
  readonly enforcement: RegisteredTable;
}

/** Every table registered with the realization, in the order of registration. */
export function realizedTables(store: DataStoreInternals): RealizedTable[] {
  const byName = new Map(store.tables().map((table) => [table.name, table]));
  return [...byName.values()].flatMap((resource) => {
    const overall = byName.get(derivedName('overall_status', resource.name));
    const enforcement = byName.get(derivedName('enforcement_status', resource.name));
    if (!overall || !enforcement) return [];
    return [{ name: resource.name, definition: resource.definition, resource, overall, enforcement }];
  });
}

/** The three tables of a realized table. An operation on a resource uses all of them. */
export const tablesOf = ({ resource, overall, enforcement }: RealizedTable): RegisteredTable[] => [
  resource,
  overall,
  enforcement,
];
