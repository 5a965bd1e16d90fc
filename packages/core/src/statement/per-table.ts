import type { RegisteredTable } from '../table/registered-table.ts';

/** Builds something for a table once, and keeps it as long as the table's registration. */
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
