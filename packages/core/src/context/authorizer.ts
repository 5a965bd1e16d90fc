import type { DbRole } from './db-role.ts';

/** Which of a table's service roles may act as which database role: `{ tenant_admin: 'tenant_writer' }`. */
export type RoleMapping = Readonly<Record<string, DbRole>>;

/**
 * Reads from a context who is calling and what that caller may do. Write your own for the contexts of your service;
 * docs/guide/authorizers.md has an example.
 *
 * Its methods are called for each operation, so they must be quick and return the same for the same context. They run
 * before any SQL. What they throw reaches the caller as it is.
 */
export interface Authorizer<C> {
  /** The caller's org. Throws MissingOrgIdError when the context names none. */
  orgId(context: C): string;
  /**
   * The role for one operation on these tables: the caller's greatest role within each, the least across them. Throws
   * OperationNotAllowedError when a table has a mapping and the caller no role in it.
   */
  dbRole(context: C, tables: readonly string[]): DbRole;
  /** Called by `register` with the mapping of a table. Not called for a table that was registered without one. */
  configure(table: string, roles: RoleMapping): void;
  /** When the context expires. A stream that outlives its request ends then. Default: never. */
  expiresAt?(context: C): Date | undefined;
  /** Whether a context is still valid: false after it was revoked. Called repeatedly while a stream is open. Default: true. */
  isValid?(context: C): boolean | Promise<boolean>;
}

/** Reads the instance of the service from a context; undefined if the context has none. */
export interface Instancer<C> {
  /** Returns the instance's id, or undefined when the context names none. Called for each operation. */
  instanceId(context: C): string | undefined;
}
