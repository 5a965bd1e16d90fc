import type { AnyTable } from '@intendant/core';
import type { Workspace } from '../database/workspace.ts';
import { wrongUse } from '../run/command-error.ts';

/** The table whose resources are realized, by name. */
export const realizedTable = async (workspace: Workspace, name: string): Promise<AnyTable> =>
  named(name, await workspace.realizedTables(), 'whose resources are realized');

/** Any table of the store, by name. */
export const storeTable = async (workspace: Workspace, name: string): Promise<AnyTable> =>
  named(name, await workspace.tables(), 'of this store');

function named(name: string, tables: readonly AnyTable[], what: string): AnyTable {
  const table = tables.find((candidate) => candidate.name === name);
  if (table !== undefined) return table;
  const known = tables.map((candidate) => candidate.name).join(', ');
  throw wrongUse(
    known === ''
      ? `there is no table ${what} in this database; check --url and --schema, or run "intendant schema --apply"`
      : `there is no table ${JSON.stringify(name)} ${what}; there are ${known}`,
  );
}
