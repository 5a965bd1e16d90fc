import type { AnyTable } from './record-types.ts';

/** Where the framework's own tables, sequences and functions are. */
export const FRAMEWORK_SCHEMA = 'intendant';

const frameworkTables = new WeakSet<AnyTable>();

/** Says that a table is the framework's own: it is registered like any other, but lies in schema `intendant`. */
export function inFrameworkSchema<T extends AnyTable>(definition: T): T {
  frameworkTables.add(definition);
  return definition;
}

/** The schema of a table, in a store with this schema. */
export const schemaOf = (definition: AnyTable, storeSchema: string): string =>
  frameworkTables.has(definition) ? FRAMEWORK_SCHEMA : storeSchema;
