import { DB_ROLES, type DbRole, intersectDbRoles } from './db-role.ts';

/** A caller as the database sees it: a role, and the org and instance that policies compare with. */
export interface Scope {
  readonly role: DbRole;
  /** Undefined only under a role that is not tenant-scoped. */
  readonly orgId: string | undefined;
  readonly instanceId: string | undefined;
}

/** The only role that may use the framework's tables: logs, jobs, cursors, registries. It owns no table. */
export const SERVICE_ROLE = 'service';

/** A role of this store: one of the eight that callers act as, or the framework's own. */
export type StoreRole = DbRole | typeof SERVICE_ROLE;

export const STORE_ROLES: readonly StoreRole[] = [...DB_ROLES, SERVICE_ROLE];

/** The scope of statements on the framework's own tables. It gives no access to tenants' tables. */
export interface ServiceScope {
  readonly role: typeof SERVICE_ROLE;
  readonly orgId: undefined;
  readonly instanceId: undefined;
}

export const serviceScope: ServiceScope = Object.freeze({
  role: SERVICE_ROLE,
  orgId: undefined,
  instanceId: undefined,
});

export const isServiceScope = (scope: Scope | ServiceScope): scope is ServiceScope => scope.role === SERVICE_ROLE;

/** The rights that two scopes of one context have in common. */
export const intersectScopes = (left: Scope, right: Scope): Scope => ({
  role: intersectDbRoles([left.role, right.role]) as DbRole,
  orgId: left.orgId ?? right.orgId,
  instanceId: left.instanceId ?? right.instanceId,
});

export const isSameScope = (left: Scope, right: Scope): boolean =>
  left.role === right.role && left.orgId === right.orgId && left.instanceId === right.instanceId;
