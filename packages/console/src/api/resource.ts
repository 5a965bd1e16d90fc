import { createRoute, z } from '@hono/zod-openapi';
import { type AnyTable, RecordNotFoundError } from '@intendant/core';
import type { ResourceDetail, StatusTransition } from '@intendant/realization';
import { type Access, type ReadableTable, tableOf } from '../caller/access.ts';
import { type ConsoleParts, makeRouter } from '../console-parts.ts';
import { jsonRecord } from '../resource/json-value.ts';
import { parseResourceKey } from '../resource/resource-key.ts';
import { type RevisionChange, readRevisionChanges } from '../resource/revision-changes.ts';
import { resourceName } from './resource-name.ts';
import { json, refusals } from './responses.ts';
import { InstantSchema, RecordSchema, ResourceNameSchema, StatusSchema } from './schemas.ts';

const PointStatusSchema = z
  .object({
    point: z.string(),
    status: StatusSchema,
    revision: z.int(),
    attempt: z.int().nullable(),
    since: InstantSchema,
    nextAttemptAt: InstantSchema.nullable(),
    job: z.enum(['waiting', 'running', 'failed']).nullable(),
    error: z.string(),
    isRemoval: z.boolean(),
  })
  .openapi('PointStatus');

const DetailSchema = ResourceNameSchema.extend({
  record: RecordSchema.nullable(),
  revision: z.int(),
  status: StatusSchema,
  message: z.string(),
  since: InstantSchema,
  points: z.array(PointStatusSchema),
  mayWrite: z.boolean().openapi({ description: 'Whether the caller may act on it.' }),
}).openapi('ResourceDetail');

const TransitionSchema = z.object({
  point: z.string(),
  status: StatusSchema,
  revision: z.int(),
  attempt: z.int().nullable(),
  message: z.string(),
  occurredAt: InstantSchema,
});

const RevisionSchema = z.object({
  revision: z.int().nullable(),
  operation: z.enum(['insert', 'update', 'delete']),
  occurredAt: InstantSchema,
  fields: z
    .array(z.object({ field: z.string(), before: z.unknown(), after: z.unknown() }))
    .nullable()
    .openapi({ description: 'What changed; null where the log does not hold both records.' }),
});

const HistorySchema = z
  .object({ transitions: z.array(TransitionSchema), revisions: z.array(RevisionSchema) })
  .openapi('ResourceHistory');

const params = z.object({
  table: z.string().max(200),
  key: z.string().max(4_096).openapi({ description: 'The `id` of the resource in a list.' }),
});

const readRoute = createRoute({
  method: 'get',
  path: '/resources/{table}/{key}',
  summary: 'One resource: its record and its status at each point',
  request: { params },
  responses: { 200: json(DetailSchema, 'The resource.'), ...refusals(400, 403, 404) },
});

const historyRoute = createRoute({
  method: 'get',
  path: '/resources/{table}/{key}/history',
  summary: 'What happened to a resource: statuses at its points, and changes of its record',
  request: {
    params,
    query: z.object({
      point: z.string().min(1).max(500).optional(),
      limit: z.coerce.number().int().min(1).max(1_000).default(100),
    }),
  },
  responses: { 200: json(HistorySchema, 'Newest first.'), ...refusals(400, 403, 404) },
});

export const resourceApi = ({ store, realization }: ConsoleParts) =>
  makeRouter()
    .openapi(readRoute, async (context) => {
      const { table: name, key: text } = context.req.valid('param');
      const access = context.get('access');
      const table = tableOf(access, name);
      const session = realization.as(context.get('caller').context);
      const detail = await session.detail(table.definition, parseResourceKey(table, text) as never);
      return context.json(toDetail(access, table, detail), 200);
    })
    .openapi(historyRoute, async (context) => {
      const { table: name, key: text } = context.req.valid('param');
      const { point, limit } = context.req.valid('query');
      const table = tableOf(context.get('access'), name);
      const key = parseResourceKey(table, text);
      const session = realization.as(context.get('caller').context);
      const [transitions, revisions] = await Promise.all([
        session.history(table.definition, key as never, {
          limit,
          ...(point !== undefined && { enforcementPoint: point }),
        }),
        readRevisionChanges(store.executor, table, key),
      ]);
      if (transitions.length === 0 && revisions.length === 0) throw noHistory(table);
      return context.json({ transitions: transitions.map(toTransition), revisions: revisions.map(toRevision) }, 200);
    });

const noHistory = ({ name }: ReadableTable): RecordNotFoundError =>
  new RecordNotFoundError(`${name}: nothing is known of a resource with this key`);

const toDetail = (
  access: Access,
  table: ReadableTable,
  detail: ResourceDetail<AnyTable>,
): z.infer<typeof DetailSchema> => ({
  ...resourceName(access, table, detail.key),
  record: detail.record ? jsonRecord(detail.record) : null,
  revision: detail.overall.revision,
  status: detail.overall.status,
  message: detail.overall.additionalDetails,
  since: detail.overall.updatedAt.toISOString(),
  points: detail.points.map((point) => ({
    point: point.enforcementPoint,
    status: point.status,
    revision: point.revision,
    attempt: point.attempt,
    since: point.since.toISOString(),
    nextAttemptAt: point.nextAttemptAt?.toISOString() ?? null,
    job: point.job,
    error: point.error,
    isRemoval: point.isRemoval,
  })),
  mayWrite: table.scope.role.endsWith('writer'),
});

const toTransition = (transition: StatusTransition): z.infer<typeof TransitionSchema> => ({
  point: transition.enforcementPoint,
  status: transition.status,
  revision: transition.revision,
  attempt: transition.attempt,
  message: transition.message,
  occurredAt: transition.occurredAt.toISOString(),
});

const toRevision = ({ fields, occurredAt, ...rest }: RevisionChange): z.infer<typeof RevisionSchema> => ({
  ...rest,
  occurredAt: occurredAt.toISOString(),
  fields: fields ? [...fields] : null,
});
