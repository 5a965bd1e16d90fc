import { defineTable } from '@intendant/core';
import { z } from 'zod';

/** The table definition that all tenant scenarios use. */
export const benchTable = (name: string) =>
  defineTable(name, { schema: z.object({ id: z.string(), name: z.string(), region: z.string(), cpus: z.int32() }) });

/** The same columns and key, without row security and the revision trigger: the table for raw pg. */
export const plainName = (table: string): string => `${table}_plain`;

export const orgOf = (tenant: number): string => `org-${String(tenant).padStart(5, '0')}`;
export const idOf = (row: number): string => `vm-${String(row).padStart(7, '0')}`;

/** The roles of a tenant's caller, as in its token. */
export const TENANT_ROLES = ['tenant_admin'] as const;
export const ROLE_MAPPING = { tenant_admin: 'tenant_writer' } as const;
