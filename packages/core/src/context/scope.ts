import { type DbRole, meetOfDbRoles } from './db-role.ts';

/** What the database is told about a caller: the role it acts as, and the org and instance the policies compare with. */
export interface Scope {
  readonly role: DbRole;
  /** Undefined only under a role that is not tenant-scoped. */
  readonly orgId: string | undefined;
  readonly instanceId: string | undefined;
}

/** Two scopes of one context, at once: no wider than either. */
export const meetOfScopes = (left: Scope, right: Scope): Scope => ({
  role: meetOfDbRoles([left.role, right.role]) as DbRole,
  orgId: left.orgId ?? right.orgId,
  instanceId: left.instanceId ?? right.instanceId,
});
