import { createRoute, z } from '@hono/zod-openapi';
import { demandService } from '../caller/access.ts';
import { type ConsoleParts, makeRouter } from '../console-parts.ts';
import { durableNames } from '../subscription/durable-names.ts';
import { json, refusals } from './responses.ts';

const SubscriptionSchema = z.object({ name: z.string() }).openapi('Subscription');

const listRoute = createRoute({
  method: 'get',
  path: '/subscriptions',
  summary: 'Durable subscriptions: who works under them, and how far they are',
  responses: {
    200: json(z.object({ subscriptions: z.array(SubscriptionSchema) }), 'By name.'),
    ...refusals(403),
  },
});

export const subscriptionsApi = ({ store }: ConsoleParts) =>
  makeRouter().openapi(listRoute, async (context) => {
    demandService(context.get('access'));
    const names = await durableNames(store);
    return context.json({ subscriptions: names.map((name) => ({ name })) }, 200);
  });
