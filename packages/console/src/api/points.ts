import { createRoute, z } from '@hono/zod-openapi';
import type { PointOverview } from '@intendant/realization';
import { type ConsoleParts, makeRouter } from '../console-parts.ts';
import { countsOf, readPoints } from '../point/read-points.ts';
import { json, refusals } from './responses.ts';
import { CountsSchema, InstantSchema } from './schemas.ts';

const PointSchema = z
  .object({
    id: z.string(),
    labels: z.record(z.string(), z.unknown()),
    health: z.enum(['live', 'stale', 'removed', 'unregistered']),
    lastSeenAt: InstantSchema.nullable(),
    statuses: CountsSchema.openapi({ description: "Of the caller's resources there." }),
    queue: z
      .object({
        waiting: z.int(),
        due: z.int(),
        running: z.int(),
        failed: z.int(),
        oldestDueAt: InstantSchema.nullable(),
      })
      .openapi({ description: "The caller's jobs there." }),
    workers: z.int().openapi({ description: 'Workers that were heard of in the last 30 seconds.' }),
  })
  .openapi('Point');

const pointsRoute = createRoute({
  method: 'get',
  path: '/points',
  summary: 'Enforcement points: when they were last seen, and what waits there',
  responses: {
    200: json(z.object({ points: z.array(PointSchema) }), 'All points, those in trouble first.'),
    ...refusals(403),
  },
});

export const pointsApi = ({ realization }: ConsoleParts) =>
  makeRouter().openapi(pointsRoute, async (context) => {
    const points = await readPoints(realization.as(context.get('caller').context));
    return context.json({ points: points.map(toPoint) }, 200);
  });

const toPoint = (point: PointOverview): z.infer<typeof PointSchema> => ({
  id: point.id,
  labels: { ...point.labels },
  health: point.state,
  lastSeenAt: point.heartbeatAt?.toISOString() ?? null,
  statuses: countsOf(point),
  queue: { ...point.queue, oldestDueAt: point.queue.oldestDueAt?.toISOString() ?? null },
  workers: point.workers,
});
