import type { RegisteredTable } from '../table/registered-table.ts';

/** Builds a value once for each table, and keeps it while the table is registered. */
export function perTable<T>(build: (table: RegisteredTable) => T): (table: RegisteredTable) => T {
  const built = new WeakMap<RegisteredTable, T>();
  return (table) => {
    const known = built.get(table);
    if (known !== undefined) return known;
    const made = build(table);
    built.set(table, made);
    return made;
  };
}

/**
 * The same for a statement that has a few shapes. The shape must contain everything that the text depends on. Since
 * equal texts are one string object, their hash is computed only once.
 */
export function perShape<Part>(
  build: (table: RegisteredTable, part: Part) => string,
): (table: RegisteredTable, shape: string, part: Part) => string {
  const texts = perTable(() => new Map<string, string>());
  return (table, shape, part) => {
    const ofTable = texts(table);
    const known = ofTable.get(shape);
    if (known !== undefined) return known;
    const text = build(table, part);
    ofTable.set(shape, text);
    return text;
  };
}
