import { createRoute, z } from '@hono/zod-openapi';
import type { EnforcementPoint } from '@intendant/realization';
import { subjectOf } from '../action/audit.ts';
import { type ConsoleParts, makeRouter } from '../console-parts.ts';
import { readNewestErrors } from '../summary/newest-errors.ts';
import { Remembered } from '../summary/remembered.ts';
import { readStatusTotals } from '../summary/status-totals.ts';
import { resourceName } from './resource-name.ts';
import { json, refusals } from './responses.ts';
import { CountsSchema, InstantSchema, ResourceNameSchema } from './schemas.ts';

const SummarySchema = z
  .object({
    caller: z.object({
      subject: z.string().nullable(),
      orgId: z.string().nullable().openapi({ description: 'Null for a caller who sees several tenants.' }),
      seesAllTenants: z.boolean(),
      seesService: z.boolean(),
      mayWrite: z.boolean(),
    }),
    tables: z.array(z.object({ table: z.string(), total: z.int(), statuses: CountsSchema, key: z.array(z.string()) })),
    points: z.object({ live: z.int(), stale: z.int(), removed: z.int() }),
    errors: z
      .array(ResourceNameSchema.extend({ point: z.string(), message: z.string(), since: InstantSchema }))
      .openapi({ description: 'The newest, at most ten.' }),
  })
  .openapi('Summary');

const summaryRoute = createRoute({
  method: 'get',
  path: '/summary',
  summary: 'Resources by status and table, points, newest errors, and what happened lately',
  responses: { 200: json(SummarySchema, 'The summary of what the caller may see.'), ...refusals(403) },
});

const REMEMBERED_MS = 2_000;

export function summaryApi({ store, realization }: ConsoleParts) {
  const remembered = new Remembered(REMEMBERED_MS);
  return makeRouter().openapi(summaryRoute, async (context) => {
    const [access, { context: own }] = [context.get('access'), context.get('caller')];
    const [totals, points, errors] = await Promise.all([
      readStatusTotals(store.executor, access),
      realization.points.list(),
      remembered.read('errors', access, () => readNewestErrors(store.executor, access)),
    ]);
    const tables = totals.map(({ table, statuses }) => ({
      table,
      total: Object.values(statuses).reduce((sum, count) => sum + count, 0),
      statuses,
      key: store.table(table).key.map(({ field }) => field),
    }));
    const { orgId, seesAllTenants, seesService, mayWrite } = access;
    return context.json(
      {
        caller: { subject: subjectOf(own) ?? null, orgId: orgId ?? null, seesAllTenants, seesService, mayWrite },
        tables,
        points: countPoints(points),
        errors: errors.map(({ table, key, since, ...error }) => ({
          ...resourceName(access, table, key),
          ...error,
          since: since.toISOString(),
        })),
      },
      200,
    );
  });
}

function countPoints(points: readonly EnforcementPoint[]): z.infer<typeof SummarySchema>['points'] {
  const counts = { live: 0, stale: 0, removed: 0 };
  for (const point of points) counts[point.state] += 1;
  return counts;
}
