import type { ClientBase } from 'pg';
import type { DbRole } from '../context/db-role.ts';
import type { RegisteredTable } from '../table/registered-table.ts';

/** What an audit checks, and the connections that it uses. */
export interface AuditSubject {
  /** The admin's connection. */
  readonly client: ClientBase;
  /** The application login. */
  readonly login: string;
  readonly schemaName: string;
  /** Whether the tables are distributed over several servers. */
  readonly isDistributed: boolean;
  readonly tables: readonly RegisteredTable[];
  roleName(role: DbRole): string;
  /** The names of all eight roles. */
  readonly roles: readonly string[];
}
