import type { AnyTable } from './record-types.ts';

/** The schema of the framework's own tables, sequences and functions. */
export const FRAMEWORK_SCHEMA = 'intendant';

const frameworkTables = new WeakSet<AnyTable>();

/** Marks a table as the framework's own: it is registered like any other, but is created in schema `intendant`. */
export function inFrameworkSchema<T extends AnyTable>(definition: T): T {
  frameworkTables.add(definition);
  return definition;
}

/** Returns the schema of a table, in a store with this schema. */
export const schemaOf = (definition: AnyTable, storeSchema: string): string =>
  frameworkTables.has(definition) ? FRAMEWORK_SCHEMA : storeSchema;
