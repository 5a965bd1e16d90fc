import { defineTable } from '@intendant/core';
import { z } from 'zod';

export const virtualMachine = defineTable('virtual_machine', {
  schema: z.object({ id: z.string(), name: z.string(), region: z.string(), cpus: z.int32(), image: z.string() }),
  indexes: [['region']],
});

export const firewallRule = defineTable('firewall_rule', {
  schema: z.object({ id: z.string(), name: z.string(), source: z.string(), port: z.int32() }),
});

/** Which role of the service may do what in the database. */
export const ROLES = {
  tenant_admin: 'tenant_writer',
  tenant_auditor: 'tenant_reader',
  service_admin: 'writer',
  service_auditor: 'reader',
} as const;

export const TENANTS = ['Acme', 'Globex', 'Initech'] as const;
export type Tenant = (typeof TENANTS)[number];

/** The context of a tenant's administrator. */
export const adminOf = (orgId: Tenant) => ({ orgId, roles: ['tenant_admin'] });

/** The context of the service's own administrator, who sees all tenants. */
export const SERVICE_ADMIN = { roles: ['service_admin'] };
