import type { DbRole } from '@intendant/core';
import { type DataStoreInternals, quoteIdentifier } from '@intendant/core/internal';
import type { ClientBase } from 'pg';

/**
 * An operation is executed with the rights that its row names. Tenants may write rows with SQL of their own, so what a
 * row says about its caller must be true: a role that is limited to an org or an instance may submit only in its own
 * name, and cannot change submitted operations. The policies are restrictive: they limit the table's own policies.
 */

const OF_INSTANCE = "caller_instance_id = (select current_setting('intendant.instance_id', true))";

const CHECKS: Partial<Record<DbRole, string>> = {
  tenant_writer: "caller_role = 'tenant_writer'",
  instance_writer: `caller_role = 'instance_writer' and ${OF_INSTANCE}`,
  tenant_instance_writer: `caller_role = 'tenant_instance_writer' and ${OF_INSTANCE}`,
};

/** Returns the SQL for missing policies on this table. */
export async function planSubmitterPolicies(
  client: ClientBase,
  store: DataStoreInternals,
  table: string,
): Promise<string[]> {
  const { rows } = await client.query<{ name: string; role: string }>(
    `select p.polname as name, r.rolname as role from pg_policy p cross join unnest(p.polroles) as member
     join pg_roles r on r.oid = member where p.polrelid = to_regclass($1)`,
    [table],
  );
  const isThere = (name: string, role: string): boolean => rows.some((row) => row.name === name && row.role === role);
  return Object.entries(CHECKS).flatMap(([role, check]) => {
    const roleName = store.roleName(role as DbRole);
    const wanted = {
      [`submitter_${role}_insert`]: `insert to ${quoteIdentifier(roleName)} with check (${check})`,
      [`submitter_${role}_update`]: `update to ${quoteIdentifier(roleName)} using (false)`,
      [`submitter_${role}_delete`]: `delete to ${quoteIdentifier(roleName)} using (false)`,
    };
    return Object.entries(wanted).flatMap(([name, rest]) =>
      isThere(name, roleName)
        ? []
        : [`drop policy if exists ${name} on ${table}`, `create policy ${name} on ${table} as restrictive for ${rest}`],
    );
  });
}
