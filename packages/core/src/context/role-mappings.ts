import { ConfigurationError, OperationNotAllowedError } from '../error/intendant-error.ts';
import type { RoleMapping } from './authorizer.ts';
import { DB_ROLES, type DbRole, greatestDbRole, intersectDbRoles, isDbRole } from './db-role.ts';

/** The role mappings of all tables, shared by the authorizers of this package. */
export class RoleMappings {
  readonly #byTable = new Map<string, ReadonlyMap<string, DbRole>>();

  configure(table: string, roles: RoleMapping): void {
    const entries = Object.entries(roles);
    for (const [serviceRole, dbRole] of entries) {
      if (!isDbRole(dbRole)) {
        throw new ConfigurationError(
          `table ${table}: role ${serviceRole} maps to ${JSON.stringify(dbRole)}, which is not a database role; use one of ${DB_ROLES.join(', ')}`,
          { details: { table, role: serviceRole } },
        );
      }
    }
    this.#byTable.set(table, new Map(entries));
  }

  /**
   * Takes the caller's greatest role on each table, and returns the least of them. `unmapped` returns the role on a table
   * without a mapping. Throws OperationNotAllowedError if none of the caller's roles is mapped on a table.
   */
  dbRole(roles: readonly string[], tables: readonly string[], unmapped: (table: string) => DbRole): DbRole {
    const ofEach = tables.map((table) => this.#greatestWithin(table, roles) ?? unmapped(table));
    const role = intersectDbRoles(ofEach);
    if (role === undefined) throw new ConfigurationError('a role was requested without a table');
    return role;
  }

  #greatestWithin(table: string, roles: readonly string[]): DbRole | undefined {
    const mapping = this.#byTable.get(table);
    if (!mapping) return undefined;
    const greatest = greatestDbRole(roles.flatMap((role) => mapping.get(role) ?? []));
    if (greatest !== undefined) return greatest;
    throw new OperationNotAllowedError(
      `${table}: none of the caller's roles (${roles.join(', ') || 'none'}) is mapped to a database role on this table; pass a mapped role, or extend roles in register`,
      { details: { table, roles } },
    );
  }
}
