import { ConfigurationError, MissingOrgIdError } from '../error/intendant-error.ts';
import { checkOptions } from '../option/check-options.ts';
import type { Authorizer, RoleMapping } from './authorizer.ts';
import { type DbRole, isDbRole, isTenantScoped } from './db-role.ts';

/** Options of `FixedAuthorizer`. */
export interface FixedAuthorizerOptions {
  /** The org of every call. Required with a tenant-scoped role. */
  readonly orgId?: string;
  /** The database role of every call. Default `tenant_writer`. */
  readonly dbRole?: DbRole;
}

/** One org and one role for every context: for tools, scripts and migrations. Role mappings are ignored. */
export class FixedAuthorizer implements Authorizer<unknown> {
  readonly #orgId: string | undefined;
  readonly #dbRole: DbRole;

  /** Throws ConfigurationError for an option that is missing, wrong or unknown. */
  constructor(options: FixedAuthorizerOptions) {
    checkOptions('FixedAuthorizer', options, { orgId: true, dbRole: true });
    const { orgId, dbRole = 'tenant_writer' } = options;
    if (!isDbRole(dbRole)) throw new ConfigurationError(`FixedAuthorizer: ${String(dbRole)} is not a database role`);
    if (!orgId && isTenantScoped(dbRole)) throw new ConfigurationError(`FixedAuthorizer: ${dbRole} needs an orgId`);
    this.#orgId = orgId;
    this.#dbRole = dbRole;
  }

  orgId(): string {
    if (!this.#orgId) throw new MissingOrgIdError('FixedAuthorizer was created without an orgId; pass one');
    return this.#orgId;
  }

  dbRole(): DbRole {
    return this.#dbRole;
  }

  configure(_table: string, _roles: RoleMapping): void {}
}
