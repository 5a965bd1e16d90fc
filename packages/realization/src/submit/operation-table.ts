import { type AnyTable, defineTable } from '@intendant/core';
import { inFrameworkSchema } from '@intendant/core/internal';
import { z } from 'zod';

/** What may be submitted. Marks name their status; the others are what the session calls them. */
export const OPERATIONS = [
  'mark',
  'persistIntent',
  'softDelete',
  'delete',
  'purge',
  'purgeStaleStatusRecords',
] as const;
export type OperationKind = (typeof OPERATIONS)[number];

const definition = defineTable('submitted_operation', {
  schema: z.object({
    id: z.string(),
    part: z.int32(),
    /** Grows with each submission that follows another; of those that overlap either may be first. */
    seq: z.int(),
    /** Operations of one resource share one. */
    shard: z.int32(),
    /** With its schema: `public.vm`. */
    table_name: z.string(),
    operation: z.enum(OPERATIONS),
    /** The database role that the caller acts under. */
    caller_role: z.string(),
    caller_instance_id: z.string().nullable(),
    /** What is to be done, as texts; emptied when it is. */
    payload: z.unknown(),
    outcome: z.unknown().nullable(),
    is_finished: z.boolean(),
  }),
  key: ['id', 'part'],
  revisioned: false,
  softDelete: false,
}) as unknown as AnyTable;

/**
 * Operations that are queued or done. A row belongs to the caller's org (without one, to a reserved one), so that
 * row-level security isolates callers as in their tables. One submission may have several parts: one for each
 * resource.
 */
export const operationTable = inFrameworkSchema(definition);
