import { defineTable } from '@intendant/core';
import { z } from 'zod';

export const machine = defineTable('machine', {
  schema: z.object({ id: z.string(), site: z.string(), cpus: z.int32() }),
});

export const ROLES = { tenant_admin: 'tenant_writer', tenant_auditor: 'tenant_reader' } as const;
