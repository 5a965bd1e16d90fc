import type { MetadataContext } from '@intendant/core';
import type { Random } from '../random.ts';
import { ownersMark, SECRET_MARK } from '../world/tables.ts';

/** A caller: an org, an instance and a role. */
export interface Caller {
  /** The marks that it may see: those of the org, or of the org and the instance. */
  readonly owner: string;
  readonly org: string;
  readonly instance: string;
  readonly role: 'tenant_admin' | 'tenant_auditor';
  readonly context: MetadataContext;
  /** The token with which it signs in. */
  readonly token: string;
}

const ORGS = ['o0', 'o1', 'o2', 'o3'];
const INSTANCES = ['i0', 'i1'];

/** All callers. */
export const CALLERS: readonly Caller[] = ORGS.flatMap((org) =>
  INSTANCES.flatMap((instance) =>
    (['tenant_admin', 'tenant_auditor'] as const).map((role) => ({
      owner: `${org}${instance}`,
      org,
      instance,
      role,
      context: { orgId: org, roles: [role], instanceId: instance },
      token: `${SECRET_MARK}-${org}-${instance}-${role}`,
    })),
  ),
);

/** An org other than the caller's. */
export const otherOrg = ({ org }: Caller, random: Random): string => random.pick(ORGS.filter((one) => one !== org));

/** The mark in what the caller stores in a table with instances, and in one without. */
export const instanceMark = ({ owner }: Caller): string => ownersMark(owner);
export const orgMark = ({ org }: Caller): string => ownersMark(org);
