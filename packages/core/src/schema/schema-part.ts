import type { ClientBase } from 'pg';
import type { RegisteredTable } from '../table/registered-table.ts';

/** The schema that a part of the framework needs in addition to the tables. */
export interface SchemaPart {
  readonly name: string;
  /**
   * The SQL that takes the live schema to the wanted one for these tables, in order; empty when nothing is missing.
   * Runs on the admin connection, in register's transaction and behind its lock, after the tables' own statements
   * were carried out (not carried out, in `planSchema`). Must not change anything itself.
   */
  plan(client: ClientBase, tables: readonly RegisteredTable[]): Promise<string[]>;
}
