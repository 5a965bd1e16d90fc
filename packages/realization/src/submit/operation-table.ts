import { type AnyTable, defineTable } from '@intendant/core';
import { inFrameworkSchema } from '@intendant/core/internal';
import { z } from 'zod';
import type { OperationKind } from '../operation/operation.ts';

/** The operations that may be submitted. Marks are named by their status, the others by the session's methods. */
const OPERATIONS = [
  'mark',
  'persistIntent',
  'softDelete',
  'delete',
  'purge',
  'purgeStaleStatusRecords',
] as const satisfies readonly OperationKind[];

const definition = defineTable('submitted_operation', {
  schema: z.object({
    id: z.string(),
    part: z.int32(),
    /** Increases with each submission that follows another; the order of overlapping submissions is undefined. */
    seq: z.int(),
    /** The shard; all operations of one resource have the same. */
    shard: z.int32(),
    /** With its schema: `public.vm`. */
    table_name: z.string(),
    operation: z.enum(OPERATIONS),
    /** The database role that the caller acts under. */
    caller_role: z.string(),
    caller_instance_id: z.string().nullable(),
    /** The operation, as texts; emptied when it has been executed. */
    payload: z.unknown(),
    outcome: z.unknown().nullable(),
    is_finished: z.boolean(),
  }),
  key: ['id', 'part'],
  revisioned: false,
  softDelete: false,
}) as unknown as AnyTable;

/**
 * Operations that are queued or finished. A row belongs to the caller's org (without one, to a reserved org), so that
 * row security separates callers as in their tables. A submission may have several parts: one for each resource.
 */
export const operationTable = inFrameworkSchema(definition);
