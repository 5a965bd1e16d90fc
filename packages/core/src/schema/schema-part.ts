import type { ClientBase } from 'pg';
import type { Logger } from 'pino';
import type { RegisteredTable } from '../table/registered-table.ts';
import type { FrameworkObjects } from './framework-objects.ts';

/**
 * The schema that a part of the framework needs in addition to the tables. Its functions are called on the admin
 * connection, in register's transaction and under its lock, and must not change anything themselves.
 */
export interface SchemaPart {
  readonly name: string;
  /**
   * Returns the SQL that creates what is missing for these tables and replaces what is outdated, in order; empty if nothing
   * is. Called after the tables' own statements were run (in `planSchema` they are not run).
   */
  plan(client: ClientBase, tables: readonly RegisteredTable[]): Promise<string[]>;
  /** Returns the part's objects, to which register limits access. Called after the statements of `plan` were run. */
  objects(client: ClientBase, tables: readonly RegisteredTable[]): Promise<readonly FrameworkObjects[]>;
  /** Logs what the user should know about these tables. Called by register, after everything else. */
  warn?(client: ClientBase, tables: readonly RegisteredTable[], logger: Logger): Promise<void>;
}
