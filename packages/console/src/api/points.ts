import { createRoute, z } from '@hono/zod-openapi';
import { type ConsoleParts, makeRouter } from '../console-parts.ts';
import { readPoints } from '../point/read-points.ts';
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
    workers: z
      .int()
      .nullable()
      .openapi({ description: 'Workers that hold jobs there now; null where that is not known.' }),
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
    const [access, caller] = [context.get('access'), context.get('caller')];
    const points = await readPoints(realization, realization.as(caller.context), access);
    return context.json(
      {
        points: points.map(({ lastSeenAt, queue, ...point }) => ({
          ...point,
          lastSeenAt: lastSeenAt?.toISOString() ?? null,
          queue: { ...queue, oldestDueAt: queue.oldestDueAt?.toISOString() ?? null },
        })),
      },
      200,
    );
  });
