import { STORE_ROLES } from '../context/scope.ts';
import type { DataStore } from '../data-store-api.ts';
import { internalsOf } from '../data-store-internals.ts';
import { storeClosed } from '../exchange/pool.ts';
import { auditBypasses } from './audit-bypasses.ts';
import { auditConnections } from './audit-connections.ts';
import { auditFramework } from './audit-framework.ts';
import { auditLogins } from './audit-logins.ts';
import { auditNodes } from './audit-nodes.ts';
import type { AuditSubject } from './audit-subject.ts';
import { auditTables } from './audit-tables.ts';
import type { IsolationFinding } from './finding.ts';

/**
 * Checks the live database for everything that would let one tenant reach another's rows: row security that is off or not
 * forced, policies and grants that register did not make, a login with rights of its own, views and functions that run
 * as a role that sees all rows, settings left on a pooled connection. Changes nothing. Returns an empty list if it finds
 * nothing.
 *
 * Checks the registered tables, the framework's own tables, and every other table in the store's schema that has an
 * `org_id` and is accessible to the store's roles. If the tables are distributed, checks the shards on every node too.
 * Uses `adminConnection`. Throws ConnectionError, and ConfigurationError if the store is closed.
 *
 * ```ts
 * for (const { message, sql } of await auditIsolation(store)) logger.warn({ sql }, message);
 * ```
 */
export async function auditIsolation<C>(store: DataStore<C>): Promise<IsolationFinding[]> {
  const internals = internalsOf(store as unknown as DataStore);
  if (internals.pool.ending) throw storeClosed();
  const login = await internals.loginName();
  const found = await internals.withAdmin(async (client) => {
    const subject: AuditSubject = {
      client,
      login,
      schemaName: internals.schemaName,
      isDistributed: internals.isDistributed,
      tables: internals.tables(),
      roleName: internals.roleName,
      roles: STORE_ROLES.map(internals.roleName),
    };
    const ofTables = await auditTables(subject);
    return [
      ...ofTables,
      ...(await auditNodes(subject, ofTables)),
      ...auditFramework(await internals.planParts(client), subject.isDistributed),
      ...(await auditLogins(subject)),
      ...(await auditBypasses(subject)),
    ];
  });
  return [...found, ...(await auditConnections(internals.pool))];
}
