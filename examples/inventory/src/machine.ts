import { defineTable, type RecordOf } from '@intendant/core';
import { z } from 'zod';

export const machineSchema = z.object({
  id: z.string().regex(/^[\w.-]{1,63}$/, 'use 1 to 63 letters, digits, dots, hyphens or underscores'),
  site: z.string().min(1).max(60),
  cpus: z.int().min(1).max(1024),
  memoryGb: z.int().min(1).max(65_536),
});

export const machine = defineTable('machine', { schema: machineSchema, indexes: [['site']] });

export type Machine = RecordOf<typeof machine>;

/** What each tenant has been billed for: one row for each existing machine. */
export const billedMachine = defineTable('billed_machine', {
  schema: z.object({ id: z.string(), cpus: z.int() }),
  revisioned: false,
  softDelete: false,
  feed: false,
});

export const ROLES = { tenant_admin: 'tenant_writer', tenant_auditor: 'tenant_reader' } as const;
