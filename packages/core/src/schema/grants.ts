import { DB_ROLES, type DbRole, isWriter } from '../context/db-role.ts';
import { quoteIdentifier } from '../statement/identifier.ts';
import type { RegisteredTable } from '../table/registered-table.ts';
import type { LiveTable } from './live-schema.ts';

const READER_PRIVILEGES = ['select'];
const WRITER_PRIVILEGES = ['select', 'insert', 'update', 'delete'];

const wantedPrivileges = (role: DbRole): readonly string[] => (isWriter(role) ? WRITER_PRIVILEGES : READER_PRIVILEGES);

/** Rights on the table: the eight roles' as they should be, and nobody else's but the owner's. */
export function planGrants(
  table: RegisteredTable,
  live: LiveTable | undefined,
  roleName: (role: DbRole) => string,
): string[] {
  const wanted = new Map(DB_ROLES.map((role) => [roleName(role), wantedPrivileges(role)]));
  const held = Map.groupBy(live?.grants ?? [], ({ grantee }) => grantee);
  const revoked = [...held.entries()].flatMap(([grantee, grants]) => {
    const excess = grants.filter(({ privilege }) => !wanted.get(grantee)?.includes(privilege));
    return excess.length > 0
      ? [
          `revoke ${excess.map(({ privilege }) => privilege).join(', ')} on ${table.qualifiedName} from ${grantee === 'public' ? 'public' : quoteIdentifier(grantee)}`,
        ]
      : [];
  });
  const granted = [...wanted.entries()].flatMap(([role, privileges]) => {
    const missing = privileges.filter((privilege) => !held.get(role)?.some((grant) => grant.privilege === privilege));
    return missing.length > 0
      ? [`grant ${missing.join(', ')} on ${table.qualifiedName} to ${quoteIdentifier(role)}`]
      : [];
  });
  return [...revoked, ...granted];
}
