import { type AnyTable, ConfigurationError } from '@intendant/core';

/** The name of a table that an option gives by name or by definition. Throws ConfigurationError for any other value. */
export function nameOfTable(option: string, table: string | AnyTable): string {
  const name: unknown = typeof table === 'object' ? table?.name : table;
  if (typeof name === 'string' && name !== '') return name;
  throw new ConfigurationError(`${option}: expected the name of a table, or a table that defineTable returned`, {
    details: { option },
  });
}
