import { DB_ROLES, type DbRole, isInstanceScoped, isTenantScoped, isWriter } from '../context/db-role.ts';
import { INSTANCE_SETTING, ORG_SETTING } from '../exchange/scope-settings.ts';
import { quoteIdentifier } from '../statement/identifier.ts';
import type { RegisteredTable } from '../table/registered-table.ts';
import type { Difference } from './difference.ts';
import type { LivePolicy, LiveTable } from './live-schema.ts';

/** What policies depend on. */
export type PolicyTarget = Pick<RegisteredTable, 'qualifiedName' | 'isTenanted' | 'isInstanced'>;

/** One policy a role: what rows it sees and writes. */
interface WantedPolicy {
  readonly name: string;
  readonly role: string;
  readonly command: 'select' | 'all';
  readonly condition: string;
}

/** Evaluated once a statement rather than once a row, being a sub-select; unset is null, and null equals nothing. */
const compare = (column: string, setting: string): string =>
  `${column} = (select nullif(current_setting('${setting}', true), ''))`;

function wantedPolicies(table: PolicyTarget, roleName: (role: DbRole) => string): WantedPolicy[] {
  return DB_ROLES.map((role) => ({
    name: `intendant_${role}`,
    role: roleName(role),
    command: isWriter(role) ? 'all' : 'select',
    condition: condition(table, role),
  }));
}

function condition(table: PolicyTarget, role: DbRole): string {
  const conditions = [
    ...(table.isTenanted && isTenantScoped(role) ? [compare('org_id', ORG_SETTING)] : []),
    ...(table.isInstanced && isInstanceScoped(role) ? [compare('instance_id', INSTANCE_SETTING)] : []),
  ];
  return conditions.join(' and ') || 'true';
}

/**
 * What stands between the policies that are and those wanted. A policy of somebody else's goes when it widens what is
 * seen, whatever its name; a restrictive one only narrows and stays, unless it has taken one of our names.
 */
export function comparePolicies(
  table: PolicyTarget,
  live: LiveTable | undefined,
  roleName: (role: DbRole) => string,
): Difference[] {
  const wanted = wantedPolicies(table, roleName);
  const stored = new Map((live?.policies ?? []).map((policy) => [policy.name, policy]));
  const strange = [...stored.values()].filter(
    (policy) => policy.isPermissive && !wanted.some(({ name }) => name === policy.name),
  );
  return [
    ...strange.map(({ name }) => ({
      reason: `policy ${name} is not one of the store's, and lets more rows be seen`,
      statements: [dropPolicy(table, name)],
    })),
    ...wanted.flatMap((policy) => comparePolicy(table, stored.get(policy.name), policy)),
  ];
}

function comparePolicy(table: PolicyTarget, stored: LivePolicy | undefined, wanted: WantedPolicy): Difference[] {
  if (!stored) return [{ reason: `policy ${wanted.name} is missing`, statements: [createPolicy(table, wanted)] }];
  if (isAsWanted(stored, wanted)) return [];
  return [
    {
      reason: `policy ${wanted.name} has another condition, command or role than it should`,
      statements: [dropPolicy(table, wanted.name), createPolicy(table, wanted)],
    },
  ];
}

const dropPolicy = ({ qualifiedName }: PolicyTarget, name: string): string =>
  `drop policy ${quoteIdentifier(name)} on ${qualifiedName}`;

const createPolicy = (table: PolicyTarget, { name, role, command, condition: using }: WantedPolicy): string =>
  `create policy ${quoteIdentifier(name)} on ${table.qualifiedName} for ${command} to ${quoteIdentifier(role)} using (${using})` +
  (command === 'all' ? ` with check (${using})` : '');

function isAsWanted(live: LivePolicy, wanted: WantedPolicy): boolean {
  return (
    live.name === wanted.name &&
    live.isPermissive &&
    live.command === (wanted.command === 'all' ? '*' : 'r') &&
    live.roles.length === 1 &&
    live.roles[0] === wanted.role &&
    normalized(live.using) === normalized(wanted.condition) &&
    normalized(live.check) === (wanted.command === 'all' ? normalized(wanted.condition) : '')
  );
}

/**
 * Postgres prints a stored condition in its own spelling: casts, aliases, parentheses, capitals. Without those, ours
 * reads the same. Where a version spelled it otherwise, the policy would be made anew, which does no harm.
 */
const normalized = (condition: string | null): string =>
  (condition ?? '')
    .toLowerCase()
    .replaceAll('::text', '')
    .replaceAll(' as "nullif"', '')
    .replaceAll(/[\s()"]/g, '');
