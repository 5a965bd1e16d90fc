import { DB_ROLES, type DbRole, isWriter } from '../context/db-role.ts';
import { quoteIdentifier } from '../statement/identifier.ts';
import type { Difference } from './difference.ts';
import type { LiveGrant } from './live-schema.ts';

const READER_PRIVILEGES = ['select'];
const WRITER_PRIVILEGES = ['select', 'insert', 'update', 'delete'];

/** The privileges of each role (unquoted name). */
export type WantedGrants = ReadonlyMap<string, readonly string[]>;

/** The privileges that a database role needs on a table that callers use. */
export const tablePrivileges = (role: DbRole): readonly string[] =>
  isWriter(role) ? WRITER_PRIVILEGES : READER_PRIVILEGES;

/** Rights on a table that callers use. */
export const tableGrants = (roleName: (role: DbRole) => string): WantedGrants =>
  new Map(DB_ROLES.map((role) => [roleName(role), tablePrivileges(role)]));

/**
 * Differences between existing grants and the wanted ones. Wanted are table-wide grants without grant option, and none to
 * other roles except the owner. `target` is what follows `on`, e.g. `"public"."vm"` or `function intendant.f(text)`.
 */
export function compareGrants(target: string, stored: readonly LiveGrant[], wanted: WantedGrants): Difference[] {
  const held = Map.groupBy(stored, ({ grantee }) => grantee);
  const given = [...held.entries()];
  return [
    ...given.flatMap(([grantee, grants]) => compareExcess(target, grantee, grants, wanted.get(grantee) ?? [])),
    ...given.flatMap(([grantee, grants]) => compareGrantOptions(target, grantee, grants, wanted.get(grantee) ?? [])),
    ...[...wanted.entries()].flatMap(([role, privileges]) =>
      compareMissing(target, role, held.get(role) ?? [], privileges),
    ),
  ];
}

/** Revoking a right on the table revokes it on its columns too. */
function compareExcess(
  table: string,
  grantee: string,
  grants: readonly LiveGrant[],
  wanted: readonly string[],
): Difference[] {
  const excess = privilegesOf(grants.filter(({ privilege }) => !wanted.includes(privilege)));
  if (excess === '') return [];
  return [
    {
      reason: `${grantee} has ${excess}, which register does not grant`,
      statements: [`revoke ${excess} on ${table} from ${quoteGrantee(grantee)} cascade`],
    },
  ];
}

function compareGrantOptions(
  table: string,
  grantee: string,
  grants: readonly LiveGrant[],
  wanted: readonly string[],
): Difference[] {
  const options = privilegesOf(
    grants.filter(({ privilege, isGrantable }) => isGrantable && wanted.includes(privilege)),
  );
  if (options === '') return [];
  return [
    {
      reason: `${grantee} may grant ${options} to other roles`,
      statements: [`revoke grant option for ${options} on ${table} from ${quoteGrantee(grantee)} cascade`],
    },
  ];
}

function compareMissing(
  table: string,
  role: string,
  grants: readonly LiveGrant[],
  wanted: readonly string[],
): Difference[] {
  const ofTable = grants.filter(({ column }) => column === null);
  const missing = wanted.filter((privilege) => !ofTable.some((grant) => grant.privilege === privilege));
  if (missing.length === 0) return [];
  return [
    {
      reason: `${role} lacks ${missing.join(', ')}`,
      statements: [`grant ${missing.join(', ')} on ${table} to ${quoteIdentifier(role)}`],
    },
  ];
}

const privilegesOf = (grants: readonly LiveGrant[]): string =>
  [...new Set(grants.map(({ privilege }) => privilege))].join(', ');

const quoteGrantee = (grantee: string): string => (grantee === 'public' ? grantee : quoteIdentifier(grantee));
