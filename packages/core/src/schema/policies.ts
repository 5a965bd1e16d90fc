import { DB_ROLES, type DbRole, isInstanceScoped, isTenantScoped, isWriter } from '../context/db-role.ts';
import { INSTANCE_SETTING, ORG_SETTING } from '../exchange/scope-settings.ts';
import { quoteIdentifier } from '../statement/identifier.ts';
import type { RegisteredTable } from '../table/registered-table.ts';
import type { LivePolicy, LiveTable } from './live-schema.ts';

/** One policy a role: what rows it sees and writes. */
export interface WantedPolicy {
  readonly name: string;
  readonly role: string;
  readonly command: 'select' | 'all';
  readonly condition: string;
}

/** Evaluated once a statement rather than once a row, being a sub-select; unset is null, and null equals nothing. */
const compare = (column: string, setting: string): string =>
  `${column} = (select nullif(current_setting('${setting}', true), ''))`;

function wantedPolicies(table: RegisteredTable, roleName: (role: DbRole) => string): WantedPolicy[] {
  return DB_ROLES.map((role) => ({
    name: `intendant_${role}`,
    role: roleName(role),
    command: isWriter(role) ? 'all' : 'select',
    condition: condition(table, role),
  }));
}

function condition(table: RegisteredTable, role: DbRole): string {
  const conditions = [
    ...(table.isTenanted && isTenantScoped(role) ? [compare('org_id', ORG_SETTING)] : []),
    ...(table.isInstanced && isInstanceScoped(role) ? [compare('instance_id', INSTANCE_SETTING)] : []),
  ];
  return conditions.join(' and ') || 'true';
}

/** Every policy that is not exactly as wanted goes, whatever its name; every wanted one that is missing then comes. */
export function planPolicies(
  table: RegisteredTable,
  live: LiveTable | undefined,
  roleName: (role: DbRole) => string,
): string[] {
  const wanted = wantedPolicies(table, roleName);
  const kept = (live?.policies ?? []).filter((policy) => wanted.some((candidate) => isAsWanted(policy, candidate)));
  const dropped = (live?.policies ?? []).filter((policy) => !kept.includes(policy) && policy.isPermissive);
  const missing = wanted.filter((candidate) => !kept.some((policy) => policy.name === candidate.name));
  return [
    ...dropped.map((policy) => `drop policy ${quoteIdentifier(policy.name)} on ${table.qualifiedName}`),
    ...restrictiveOfSameName(live, missing).map(
      (name) => `drop policy ${quoteIdentifier(name)} on ${table.qualifiedName}`,
    ),
    ...missing.map((policy) => createPolicy(table, policy)),
  ];
}

/** A restrictive policy only narrows, so somebody else's stays, unless it has taken one of our names. */
const restrictiveOfSameName = (live: LiveTable | undefined, missing: readonly WantedPolicy[]): string[] =>
  (live?.policies ?? [])
    .filter((policy) => !policy.isPermissive && missing.some((candidate) => candidate.name === policy.name))
    .map((policy) => policy.name);

const createPolicy = (table: RegisteredTable, { name, role, command, condition: using }: WantedPolicy): string =>
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
