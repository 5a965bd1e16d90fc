import type { Scope } from '@intendant/core/internal';
import type { NumberedChange } from '../log/log-entry.ts';

/**
 * Returns false if the log's row security certainly hides the change from the scope. This only avoids needless reads; the
 * database decides what a scope sees.
 */
export function mayBeVisible({ role, orgId, instanceId }: Scope, { entry }: NumberedChange): boolean {
  const isOther = (own: string | undefined, theirs: string | null) => theirs !== null && theirs !== own;
  if (role.startsWith('tenant_') && isOther(orgId, entry.orgId)) return false;
  return !(role.includes('instance_') && isOther(instanceId, entry.instanceId));
}
