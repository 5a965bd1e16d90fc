import { defineTable } from '@intendant/core';
import { z } from 'zod';

/** A table whose rows belong to one tenant, and to one instance of the service. */
export const vm = defineTable('vm', {
  schema: z.object({ id: z.string(), name: z.string(), region: z.string() }),
  instanced: true,
});

/** What a tenant wants to be realized at its enforcement points. */
export const policy = defineTable('policy', {
  schema: z.object({ id: z.string(), name: z.string(), allowedPorts: z.array(z.int()) }),
});

/** Which role of the service may do what in the database. */
export const ROLES = { tenant_admin: 'tenant_writer', tenant_auditor: 'tenant_reader' } as const;

const tenant = (orgId: string, instanceId: string) => ({ orgId, instanceId, roles: ['tenant_admin'] });

export const CALLERS = {
  'Coke/Americas': tenant('Coke', 'Americas'),
  'Coke/Europe': tenant('Coke', 'Europe'),
  'Pepsi/Americas': tenant('Pepsi', 'Americas'),
};
