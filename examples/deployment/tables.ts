import { defineTable } from '@intendant/core';
import { z } from 'zod';

export const machine = defineTable('machine', {
  schema: z.object({ id: z.string(), name: z.string(), region: z.string() }),
});

/** Which role of the service may do what in the database. */
export const ROLES = {
  tenant_admin: 'tenant_writer',
  tenant_auditor: 'tenant_reader',
  service_admin: 'writer',
} as const;
