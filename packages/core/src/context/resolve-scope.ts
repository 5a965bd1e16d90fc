import {
  ConfigurationError,
  MissingContextError,
  MissingInstanceIdError,
  MissingOrgIdError,
} from '../error/intendant-error.ts';
import { shown } from '../option/check-duration.ts';
import type { Authorizer, Instancer } from './authorizer.ts';
import { readContextId } from './context-id.ts';
import { type DbRole, isDbRole, isInstanceScoped, isTenantScoped, toInstanceRole, toPlainRole } from './db-role.ts';
import type { Scope } from './scope.ts';

/** The properties of a registered table that a scope depends on. */
interface ScopedTable {
  readonly name: string;
  /** Whether the table has `instance_id`. */
  readonly isInstanced: boolean;
}

/** The rights of a context on these tables: role, org and instance. */
export function resolveScope(
  authorizer: Authorizer<unknown>,
  instancer: Instancer<unknown> | undefined,
  context: unknown,
  tables: readonly ScopedTable[],
): Scope {
  if (context === undefined || context === null) {
    throw new MissingContextError('no context; pass { orgId, roles } to store.as');
  }
  const mapped = authorizer.dbRole(
    context,
    tables.map(({ name }) => name),
  );
  if (!isDbRole(mapped)) throw noRole(mapped);
  const role = roleForInstances(mapped, instancer !== undefined, tables);
  return {
    role,
    orgId: isTenantScoped(role)
      ? (readContextId('orgId', authorizer.orgId(context)) ?? missingOrg())
      : orgIfAny(authorizer, context),
    instanceId: instancer && instanceOf(instancer, context, role),
  };
}

/** With an instancer every role is limited to one instance, on tables with instances. Without one, no role is. */
function roleForInstances(role: DbRole, hasInstancer: boolean, tables: readonly ScopedTable[]): DbRole {
  if (!hasInstancer) return toPlainRole(role);
  return tables.some((table) => table.isInstanced) ? toInstanceRole(role) : role;
}

/** An unknown role name would leave the statement running with the login's own role. */
const noRole = (returned: unknown): ConfigurationError =>
  new ConfigurationError(`the authorizer's dbRole returned ${shown(returned)}, which is not a database role`);

function missingOrg(): never {
  throw new MissingOrgIdError('the context names no org; set orgId, or check what the authorizer returns');
}

/** With a role that sees all orgs, the org is only the default for records that name none. */
function orgIfAny(authorizer: Authorizer<unknown>, context: unknown): string | undefined {
  try {
    return readContextId('orgId', authorizer.orgId(context));
  } catch (error) {
    if (error instanceof MissingOrgIdError) return undefined;
    throw error;
  }
}

function instanceOf(instancer: Instancer<unknown>, context: unknown, role: DbRole): string | undefined {
  const instanceId = readContextId('instanceId', instancer.instanceId(context));
  if (instanceId === undefined && isInstanceScoped(role)) {
    throw new MissingInstanceIdError('the context names no instance; set instanceId');
  }
  return instanceId;
}
