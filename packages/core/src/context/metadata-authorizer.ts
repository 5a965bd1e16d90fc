import { InvalidRecordError, MissingContextError, MissingOrgIdError } from '../error/intendant-error.ts';
import type { Authorizer, Instancer, RoleMapping } from './authorizer.ts';
import { readContextId } from './context-id.ts';
import type { DbRole } from './db-role.ts';
import { RoleMappings } from './role-mappings.ts';

/** A caller as a plain object. */
export interface MetadataContext {
  /** The org whose rows the caller may see. Required with a tenant-scoped role. */
  readonly orgId?: string | undefined;
  /** The caller's service roles, with the names of your identity provider. */
  readonly roles?: readonly string[] | undefined;
  /** The deployment of the service. Read by `SimpleInstancer`. */
  readonly instanceId?: string | undefined;
}

/** Uses `{ orgId, roles, instanceId }` as the context. You must make sure that it is authentic: see `contextFromHeaders`. */
export class MetadataAuthorizer implements Authorizer<MetadataContext> {
  readonly #mappings = new RoleMappings();

  orgId(context: MetadataContext): string {
    const orgId = readContextId('orgId', checked(context).orgId);
    if (orgId === undefined) throw new MissingOrgIdError('the context names no org; set orgId');
    return orgId;
  }

  /** For a table without a mapping the name of the last role decides. */
  dbRole(context: MetadataContext, tables: readonly string[]): DbRole {
    const roles = readRoles(checked(context).roles);
    return this.#mappings.dbRole(roles, tables, () => roleByName(roles.at(-1)));
  }

  configure(table: string, roles: RoleMapping): void {
    this.#mappings.configure(table, roles);
  }
}

/** Reads `instanceId` from the context. */
export class SimpleInstancer implements Instancer<Pick<MetadataContext, 'instanceId'>> {
  instanceId(context: Pick<MetadataContext, 'instanceId'>): string | undefined {
    return readContextId('instanceId', context.instanceId);
  }
}

function checked(context: MetadataContext): MetadataContext {
  if (typeof context !== 'object' || context === null) {
    throw new MissingContextError('no context; pass { orgId, roles } to store.as');
  }
  return context;
}

function readRoles(roles: unknown): readonly string[] {
  if (roles === undefined || roles === null) return [];
  if (!Array.isArray(roles) || roles.some((role) => typeof role !== 'string')) {
    throw new InvalidRecordError("the context's roles must be a list of strings");
  }
  return roles;
}

function roleByName(role: string | undefined): DbRole {
  if (role === 'service_admin') return 'writer';
  if (role === 'service_auditor') return 'reader';
  return role?.endsWith('admin') ? 'tenant_writer' : 'tenant_reader';
}
