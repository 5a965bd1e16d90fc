import { z } from '@hono/zod-openapi';
import { STATUSES } from '@intendant/realization';

/** Response shapes that several routes share. */

export const StatusSchema = z.enum(STATUSES).openapi('Status');

export const InstantSchema = z.string().openapi({ format: 'date-time', example: '2026-11-28T09:30:00.000Z' });

/** The number of resources by status. A status without resources is omitted. */
export const CountsSchema = z.partialRecord(StatusSchema, z.int()).openapi('StatusCounts');

const KeySchema = z
  .record(z.string(), z.unknown())
  .openapi({ description: 'The fields of the key, and of org and instance where the table has them.' });

export const RecordSchema = z.record(z.string(), z.unknown());

export const ResourceNameSchema = z.object({
  table: z.string(),
  id: z.string().openapi({ description: 'Names the resource in a path, once percent-encoded.' }),
  key: KeySchema,
});

/** The cursor of the next page. */
export const NextSchema = z
  .string()
  .nullable()
  .openapi({ description: 'Give it as `after` to get the next page; null on the last.' });
