import { createRoute, z } from '@hono/zod-openapi';
import { demandService } from '../caller/access.ts';
import { type ConsoleParts, makeRouter } from '../console-parts.ts';
import { json, refusals } from './responses.ts';

const SubscriptionSchema = z
  .object({
    name: z.string(),
    table: z.string(),
    orgId: z.string().nullable().openapi({ description: 'The org whose changes it receives; null: all orgs.' }),
    instanceId: z.string().nullable().openapi({ description: 'The instance whose changes it receives; null: all.' }),
    members: z
      .int()
      .openapi({ description: 'Number of open subscriptions with this name. If it is 0, the lag grows.' }),
    position: z.string(),
    lag: z.int().openapi({ description: 'Number of changes not yet handled, counted up to 10,000.' }),
    deadLetters: z.int(),
  })
  .openapi('Subscription');

const listRoute = createRoute({
  method: 'get',
  path: '/subscriptions',
  summary: 'Durable subscriptions with their members, position and lag',
  responses: {
    200: json(z.object({ subscriptions: z.array(SubscriptionSchema) }), 'By name.'),
    ...refusals(403),
  },
});

export const subscriptionsApi = ({ subscriptions }: ConsoleParts) =>
  makeRouter().openapi(listRoute, async (context) => {
    demandService(context.get('access'));
    return context.json({ subscriptions: await subscriptions.list() }, 200);
  });
