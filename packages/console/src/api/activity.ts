import { createRoute, z } from '@hono/zod-openapi';
import { type ConsoleParts, makeRouter } from '../console-parts.ts';
import { readActivity } from '../summary/activity.ts';
import { Remembered } from '../summary/remembered.ts';
import { json, refusals } from './responses.ts';
import { InstantSchema } from './schemas.ts';

const ActivitySchema = z
  .object({
    activity: z
      .array(
        z.object({
          minute: InstantSchema,
          realized: z.int(),
          failed: z.int(),
          p50Ms: z.number().nullable(),
          p99Ms: z.number().nullable().openapi({ description: 'From the intent until it was realized at a point.' }),
        }),
      )
      .openapi({ description: 'The last 30 minutes, minute by minute.' }),
  })
  .openapi('Activity');

const activityRoute = createRoute({
  method: 'get',
  path: '/activity',
  summary: 'What was realized and what failed in the last 30 minutes, and how long it took',
  description: 'Percentiles are estimated from a sample of the keys where there are very many changes.',
  responses: { 200: json(ActivitySchema, 'Minute by minute, the oldest first.'), ...refusals() },
});

/** Reading a busy half hour takes some time, and the plots change slowly. */
const REMEMBERED_MS = 10_000;

export function activityApi({ store }: ConsoleParts) {
  const remembered = new Remembered(REMEMBERED_MS);
  return makeRouter().openapi(activityRoute, async (context) => {
    const access = context.get('access');
    const activity = await remembered.read('activity', access, () => readActivity(store.executor, access));
    return context.json(
      { activity: activity.map(({ minute, ...rest }) => ({ minute: minute.toISOString(), ...rest })) },
      200,
    );
  });
}
