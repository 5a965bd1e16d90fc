import type { AnyTable } from './record-types.ts';

/** The schema of the framework's own tables, sequences and functions. */
export const FRAMEWORK_SCHEMA = 'intendant';

const frameworkTables = new WeakSet<AnyTable>();

/** Marks a table as the framework's own: it is registered like any other, but is created in schema `intendant`. */
export function inFrameworkSchema<T extends AnyTable>(definition: T): T {
  frameworkTables.add(definition);
  return definition;
}

const tablesAtCoordinator = new WeakSet<AnyTable>();

/** Marks a table as one that a store with `distribution` keeps on the coordinator, not on the nodes. */
export function keepAtCoordinator<T extends AnyTable>(definition: T): T {
  tablesAtCoordinator.add(definition);
  return definition;
}

/** Whether a store with `distribution` keeps the rows of the table on the nodes. */
export const isKeptOnNodes = (definition: AnyTable): boolean =>
  !frameworkTables.has(definition) && !tablesAtCoordinator.has(definition);

/** Returns the schema of a table, in a store with this schema. */
export const schemaOf = (definition: AnyTable, storeSchema: string): string =>
  frameworkTables.has(definition) ? FRAMEWORK_SCHEMA : storeSchema;
