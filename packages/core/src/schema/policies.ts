import { DB_ROLES, type DbRole, isWriter } from '../context/db-role.ts';
import { quoteIdentifier } from '../statement/identifier.ts';
import type { RegisteredTable } from '../table/registered-table.ts';
import type { Difference } from './difference.ts';
import type { LiveAccess, LivePolicy } from './live-schema.ts';
import { sameExpression } from './stored-expression.ts';
import { type TenantColumns, tenantCondition } from './tenant-condition.ts';

/** The properties of a table that determine its policies. */
export type PolicyTarget = Pick<RegisteredTable, 'qualifiedName' | 'isTenanted' | 'isInstanced' | 'placement'>;

/** The rows that one role may read and, with `all`, also write. */
export interface WantedPolicy {
  readonly name: string;
  readonly role: string;
  readonly command: 'select' | 'all';
  readonly condition: string;
  /** Whether the policy is restrictive, i.e. limits the role's other policies. Default false. */
  readonly isRestrictive?: boolean;
}

/** The policies of a table that callers use. */
function tablePolicies(table: PolicyTarget, roleName: (role: DbRole) => string): WantedPolicy[] {
  const columns = {
    org: table.isTenanted ? 'required' : 'absent',
    instance: table.isInstanced ? 'required' : 'absent',
    isDistributed: table.placement !== 'here',
  } as const;
  return callerPolicies(columns, roleName, true);
}

/** Differences between the stored policies of a table that callers use and the wanted ones. */
export const compareTablePolicies = (
  table: PolicyTarget,
  live: LiveAccess | undefined,
  roleName: (role: DbRole) => string,
): Difference[] =>
  comparePolicies(table.qualifiedName, live, tablePolicies(table, roleName), table.placement !== 'here');

/** One permissive policy for each role, and a restrictive one where the role is limited to an instance. */
export function callerPolicies(
  columns: TenantColumns,
  roleName: (role: DbRole) => string,
  mayWrite: boolean,
): WantedPolicy[] {
  return DB_ROLES.flatMap((role): WantedPolicy[] => {
    const { own, shared, narrowed } = tenantCondition(columns, role);
    const policy = { role: roleName(role), command: mayWrite && isWriter(role) ? 'all' : 'select' } as const;
    return [
      { ...policy, name: `intendant_${role}`, condition: own },
      ...(shared ? [{ ...policy, name: `intendant_${role}_shared`, condition: shared }] : []),
      ...(narrowed
        ? [{ ...policy, name: `intendant_${role}_narrowed`, condition: narrowed, isRestrictive: true }]
        : []),
    ];
  });
}

/**
 * Differences between the stored policies and the wanted ones. A permissive policy that the framework did not make is
 * dropped, because it shows more rows. A restrictive one only hides rows and stays, unless it has one of our names, or the
 * table is distributed: Citus makes it permissive on the shards.
 */
export function comparePolicies(
  qualifiedName: string,
  live: LiveAccess | undefined,
  wanted: readonly WantedPolicy[],
  isDistributed = false,
): Difference[] {
  const stored = new Map((live?.policies ?? []).map((policy) => [policy.name, policy]));
  const foreign = [...stored.values()].filter(
    (policy) =>
      (policy.isPermissive || isDistributed || isOurs(policy)) && !wanted.some(({ name }) => name === policy.name),
  );
  return [
    ...foreign.map(({ name }) => ({
      reason: `policy ${name} was not created by register, or is outdated`,
      statements: [dropPolicy(qualifiedName, name)],
    })),
    ...wanted.flatMap((policy) => comparePolicy(qualifiedName, stored.get(policy.name), policy)),
  ];
}

const isOurs = ({ name }: LivePolicy): boolean => name.startsWith('intendant_');

function comparePolicy(table: string, stored: LivePolicy | undefined, wanted: WantedPolicy): Difference[] {
  if (!stored) return [{ reason: `policy ${wanted.name} is missing`, statements: [createPolicy(table, wanted)] }];
  if (isAsWanted(stored, wanted)) return [];
  return [
    {
      reason: `policy ${wanted.name} differs from what register creates, in its condition, command or role`,
      statements: [dropPolicy(table, wanted.name), createPolicy(table, wanted)],
    },
  ];
}

const dropPolicy = (table: string, name: string): string => `drop policy ${quoteIdentifier(name)} on ${table}`;

const createPolicy = (table: string, { name, role, command, condition, isRestrictive }: WantedPolicy): string =>
  `create policy ${quoteIdentifier(name)} on ${table}${isRestrictive ? ' as restrictive' : ''} for ${command} to ${quoteIdentifier(role)} using (${condition})` +
  (command === 'all' ? ` with check (${condition})` : '');

const isAsWanted = (live: LivePolicy, wanted: WantedPolicy): boolean =>
  live.isPermissive === !wanted.isRestrictive &&
  live.command === (wanted.command === 'all' ? '*' : 'r') &&
  live.roles.length === 1 &&
  live.roles[0] === wanted.role &&
  sameExpression(live.using, wanted.condition) &&
  sameExpression(live.check, wanted.command === 'all' ? wanted.condition : null);
