import { defineTable } from '@intendant/core';
import { z } from 'zod';

const schema = z.object({ id: z.string(), value: z.string() });

/** Resources that workers realize, at the points E0, E1, … */
export const vm = defineTable('vm', { schema });
/** Resources whose status services mark themselves, at the points M0, M1, … */
export const sign = defineTable('sign', { schema });

export const ROLES = {
  tenant_admin: 'tenant_writer',
  tenant_auditor: 'tenant_reader',
  service_admin: 'writer',
  service_auditor: 'reader',
} as const;

/** The context of a tenant's administrator. */
export const adminOf = (orgId: string) => ({ orgId, roles: ['tenant_admin'] });

/** Returns a mark that every value of this org contains, so that a leak to another org is detected. */
export const ownersMark = (org: string): string => `~${org}~`;

/** A word in the values of all records: it must not appear in logs and errors. */
export const SECRET_MARK = 'pl4nted';
