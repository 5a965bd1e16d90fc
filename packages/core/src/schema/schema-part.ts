import type { ClientBase } from 'pg';
import type { RegisteredTable } from '../table/registered-table.ts';

/** The schema that a part of the framework needs in addition to the tables. */
export interface SchemaPart {
  readonly name: string;
  /**
   * Returns the SQL that changes the live schema to the wanted one for these tables, in order; empty if nothing is
   * missing. Called on the admin connection, in register's transaction and under its lock, after the tables' own
   * statements were run (in `planSchema` they are not run). It must not change anything itself.
   */
  plan(client: ClientBase, tables: readonly RegisteredTable[]): Promise<string[]>;
}
