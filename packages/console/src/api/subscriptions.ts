import { createRoute, z } from '@hono/zod-openapi';
import { demandService } from '../caller/access.ts';
import { type ConsoleParts, makeRouter } from '../console-parts.ts';
import { json, refusals } from './responses.ts';

const SubscriptionSchema = z
  .object({
    name: z.string(),
    table: z.string(),
    orgId: z.string().nullable().openapi({ description: 'Whose changes it sees; null: those of all.' }),
    instanceId: z.string().nullable(),
    members: z.int().openapi({ description: 'Who works under the name now; with none, its lag grows.' }),
    position: z.string(),
    lag: z.int().openapi({ description: 'Changes not yet taken care of, counted up to 10,000.' }),
    deadLetters: z.int(),
  })
  .openapi('Subscription');

const listRoute = createRoute({
  method: 'get',
  path: '/subscriptions',
  summary: 'Durable subscriptions: who works under them, and how far they are',
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
