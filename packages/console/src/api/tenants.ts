import { createRoute, z } from '@hono/zod-openapi';
import { type ConsoleParts, makeRouter } from '../console-parts.ts';
import { RefusedRequest } from '../http/problem.ts';
import { readTenants } from '../summary/tenants.ts';
import { json, refusals } from './responses.ts';
import { CountsSchema } from './schemas.ts';

const TenantsSchema = z
  .object({ tenants: z.array(z.object({ orgId: z.string(), total: z.int(), statuses: CountsSchema })) })
  .openapi('Tenants');

const tenantsRoute = createRoute({
  method: 'get',
  path: '/tenants',
  summary: 'Tenants and how many of their resources have which status',
  responses: { 200: json(TenantsSchema, 'Those with errors first.'), ...refusals(403) },
});

export const tenantsApi = ({ store }: ConsoleParts) =>
  makeRouter().openapi(tenantsRoute, async (context) => {
    const access = context.get('access');
    if (!access.seesAllTenants) throw new RefusedRequest(403, 'Only a caller who may see all tenants may see this.');
    return context.json({ tenants: await readTenants(store.executor, access) }, 200);
  });
