import { createHash } from 'node:crypto';
import { canonicalRange } from './address-range.ts';
import type { Rule } from './policy.ts';

/** What identifies a policy among those of all tenants. */
export interface PolicyOwner {
  readonly orgId: string;
  readonly id: string;
}

/** The nftables table of a policy. Ids are the tenant's to choose, so the name holds none of their characters. */
export const tableName = ({ orgId, id }: PolicyOwner): string =>
  `policy_${createHash('sha256')
    .update(JSON.stringify([orgId, id]))
    .digest('hex')
    .slice(0, 16)}`;

const ruleText = ({ source, protocol, port, action }: Rule): string =>
  `    ip saddr ${canonicalRange(source)} ${protocol} dport ${port} ${action}`;

/** Replaces the policy's table. nft applies the whole script in one transaction: there is no moment without the policy. */
export function replaceScript(owner: PolicyOwner, rules: readonly Rule[]): string {
  const table = `inet ${tableName(owner)}`;
  return `add table ${table}
delete table ${table}
table ${table} {
  chain input {
    type filter hook input priority filter; policy accept;
${rules.map(ruleText).join('\n')}
  }
}
`;
}

/** Removes the policy's table, also if it is not there. */
export function removeScript(owner: PolicyOwner): string {
  const table = `inet ${tableName(owner)}`;
  return `add table ${table}\ndelete table ${table}\n`;
}
