import type { Scope } from '@intendant/core/internal';
import type { NumberedChange } from '../log/log-entry.ts';

/**
 * Whether the log's row security might show a change under a scope. Only ever used to spare a read that would show
 * nothing: what a scope is shown, the database decides.
 */
export function mayBeVisible({ role, orgId, instanceId }: Scope, { entry }: NumberedChange): boolean {
  const isOther = (own: string | undefined, theirs: string | null) => theirs !== null && theirs !== own;
  if (role.startsWith('tenant_') && isOther(orgId, entry.orgId)) return false;
  return !(role.includes('instance_') && isOther(instanceId, entry.instanceId));
}
