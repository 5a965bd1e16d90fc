import { createRoute, z } from '@hono/zod-openapi';
import { type Access, type ReadableTable, tableOf } from '../caller/access.ts';
import { type ConsoleParts, makeRouter } from '../console-parts.ts';
import { jsonRecord } from '../resource/json-value.ts';
import { countResources, type ListedResource, listResources } from '../resource/list-resources.ts';
import { FILTER_FIELDS, readFilter } from '../resource/resource-filter.ts';
import { resourceName } from './resource-name.ts';
import { json, refusals } from './responses.ts';
import { CountsSchema, InstantSchema, NextSchema, RecordSchema, ResourceNameSchema, StatusSchema } from './schemas.ts';

const ResourceSchema = ResourceNameSchema.extend({
  record: RecordSchema.nullable().openapi({
    description: 'Null if the row was deleted and only its statuses are left.',
  }),
  revision: z.int(),
  status: StatusSchema,
  message: z.string().openapi({ description: 'The error message if the status is ERROR.' }),
  since: InstantSchema,
  counts: CountsSchema,
  cells: z
    .array(z.object({ point: z.string(), status: StatusSchema }))
    .openapi({ description: 'The status at each point, the most severe first; at most 200 of them.' }),
}).openapi('Resource');

type Resource = z.infer<typeof ResourceSchema>;

const PageSchema = z
  .object({
    table: z.string(),
    total: z.int().nullable().openapi({ description: 'Number of matching resources; null on later pages.' }),
    resources: z.array(ResourceSchema),
    next: NextSchema,
  })
  .openapi('ResourcePage');

const listRoute = createRoute({
  method: 'get',
  path: '/resources',
  summary: 'Resources of a table that match, with their statuses',
  request: {
    query: z.object({
      table: z
        .string()
        .max(63)
        .optional()
        .openapi({ description: 'Default: the first table that the caller may read.' }),
      ...FILTER_FIELDS,
      order: z
        .enum(['key', 'oldest', 'newest'])
        .default('key')
        .openapi({ description: 'By key, or by the time since which they have their status.' }),
      after: z.string().max(4_096).optional().openapi({ description: 'The value of `next` of the previous page.' }),
      limit: z.coerce.number().int().min(1).max(200).default(50),
    }),
  },
  responses: { 200: json(PageSchema, 'A page of resources, by org and key.'), ...refusals(400, 404) },
});

export const resourcesApi = ({ realization }: ConsoleParts) =>
  makeRouter().openapi(listRoute, async (context) => {
    const { table: name, order, after, limit, ...given } = context.req.valid('query');
    const access = context.get('access');
    const table = tableOf(access, name ?? access.tables[0]?.name ?? '');
    const filter = readFilter(given);
    const session = realization.as(context.get('caller').context);
    const [total, page] = await Promise.all([
      after === undefined ? countResources(session, table, filter) : null,
      listResources(session, table, filter, { order, after, limit }),
    ]);
    const resources = page.resources.map((resource) => toResource(access, table, resource));
    return context.json({ table: table.name, total, resources, next: page.next ?? null }, 200);
  });

const toResource = (
  access: Access,
  table: ReadableTable,
  { key, record, since, cells, ...rest }: ListedResource,
): Resource => ({
  ...resourceName(access, table, key),
  ...rest,
  record: record ? jsonRecord(record) : null,
  since: since.toISOString(),
  cells: [...cells],
});
