import { readFileSync } from 'node:fs';
import { createRoute, OpenAPIHono, z } from '@hono/zod-openapi';
import type { JwtContext } from '@intendant/core';
import { RecordNotFoundError, RevisionConflictError } from '@intendant/core';
import { answerError, type SessionVariables, sessions } from '@intendant/core/hono';
import { serverSentEvents } from '@intendant/subscription';
import { bodyLimit } from 'hono/body-limit';
import { HTTPException } from 'hono/http-exception';
import { etagOf, readPrecondition } from './etag.ts';
import { type Machine, machine, machineSchema } from './machine.ts';
import type { Service } from './service.ts';

/** A machine is described in far less. */
const MAX_BYTES = 16_384;
const TOO_LARGE = `a request may have ${MAX_BYTES} bytes`;

const PAGE = readFileSync(new URL('page.html', import.meta.url), 'utf8');

const listed = machineSchema.extend({ revision: z.int(), status: z.string() }).openapi('Machine');
const problem = z
  .object({ error: z.object({ code: z.string(), message: z.string(), retryable: z.boolean() }) })
  .openapi('Problem');
const json = <T extends z.ZodType>(schema: T, description: string) => ({
  description,
  content: { 'application/json': { schema } },
});
const PROBLEMS = {
  400: json(problem, 'The request is wrong'),
  401: json(problem, 'Nobody is signed in'),
  403: json(problem, 'Not allowed'),
};
const NOT_FOUND = { 404: json(problem, 'There is no such machine') };
const CONFLICT = { 412: json(problem, 'The machine is not as the request expects') };
const idParameter = z.object({ id: machineSchema.shape.id });

const list = createRoute({
  method: 'get',
  path: '/machines',
  request: {
    query: z.object({
      site: z.string().optional(),
      minCpus: z.coerce.number().int().optional(),
      after: z.string().optional().openapi({ description: 'The id of the last machine of the page before' }),
      limit: z.coerce.number().int().min(1).max(200).default(50),
    }),
  },
  responses: { 200: json(z.object({ machines: z.array(listed), next: z.string().nullable() }), 'A page'), ...PROBLEMS },
});

const read = createRoute({
  method: 'get',
  path: '/machines/{id}',
  request: { params: idParameter },
  responses: {
    200: json(listed, 'The machine, with its revision as ETag'),
    304: { description: 'Not modified' },
    ...PROBLEMS,
    ...NOT_FOUND,
  },
});

const write = createRoute({
  method: 'put',
  path: '/machines/{id}',
  request: {
    params: idParameter,
    body: { required: true, content: { 'application/json': { schema: machineSchema.omit({ id: true }) } } },
    headers: z.object({
      'if-match': z.string().optional().openapi({ description: 'Update only: `"3"` for that revision, `*` for any' }),
      'if-none-match': z.string().optional().openapi({ description: 'Create only: `*`' }),
    }),
  },
  responses: { 200: json(listed, 'Updated'), 201: json(listed, 'Created'), ...PROBLEMS, ...NOT_FOUND, ...CONFLICT },
});

const remove = createRoute({
  method: 'delete',
  path: '/machines/{id}',
  request: { params: idParameter },
  responses: { 202: { description: 'It is being removed from its site' }, ...PROBLEMS, ...NOT_FOUND },
});

const failure = (code: string, message: string) => ({ error: { code, message, retryable: false } });

/** The values of the table's own fields, without those that only the database needs. */
const view = ({ id, site, cpus, memoryGb, revision }: Machine, status: string) => ({
  id,
  site,
  cpus,
  memoryGb,
  revision,
  status,
});

export function createApp({ store, realization, subscriptions, identity }: Service) {
  const app = new OpenAPIHono<SessionVariables<JwtContext>>({
    defaultHook: (result, c) =>
      result.success ? undefined : c.json(failure('INVALID_REQUEST', z.prettifyError(result.error)), 400),
  });
  const authenticate = (headers: Headers) => identity.authorizer.authenticateHeaders(headers);
  app.onError((error, c) =>
    error instanceof HTTPException && error.status < 500
      ? c.json(failure('INVALID_REQUEST', error.message), error.status)
      : answerError(error, c),
  );
  app.notFound((c) => c.json(failure('NOT_FOUND', `there is no ${c.req.path}`), 404));
  app.use(bodyLimit({ maxSize: MAX_BYTES, onError: (c) => c.json(failure('TOO_LARGE', TOO_LARGE), 413) }));
  app.get('/', (c) => c.html(PAGE));
  app.doc31('/openapi.json', { openapi: '3.1.0', info: { title: 'Inventory of machines', version: '1' } });
  app.use('/machines/*', sessions(store, { contextOf: authenticate }));
  const changes = serverSentEvents(subscriptions, {
    contextOf: (request) => authenticate(request.headers),
    tableOf: () => machine.name,
  });
  app.get('/changes', (c) => changes(c.req.raw));

  app.openapi(list, async (c) => {
    const { site, minCpus, after, limit } = c.req.valid('query');
    const where = { ...(site !== undefined && { site }), ...(minCpus !== undefined && { cpus: { gte: minCpus } }) };
    const page = await c.var.session.findMany(machine, {
      where,
      limit,
      ...(after !== undefined && { after: { id: after } }),
    });
    const statuses = await realization.as(c.var.context).statuses(
      machine,
      page.map(({ id }) => id),
    );
    const machines = page.map((record) => view(record, statuses.get(record.id)?.overall.status ?? 'UNKNOWN'));
    return c.json({ machines, next: page.length === limit ? (page.at(-1)?.id ?? null) : null }, 200);
  });

  app.openapi(read, async (c) => {
    const { id } = c.req.valid('param');
    const record = await c.var.session.find(machine, id);
    c.header('etag', etagOf(record));
    if (c.req.header('if-none-match') === etagOf(record)) return c.body(null, 304);
    return c.json(view(record, await realization.as(c.var.context).getOverallStatus(machine, id)), 200);
  });

  app.openapi(write, async (c) => {
    const { id } = c.req.valid('param');
    const expected = readPrecondition(c.req.header('if-match'), c.req.header('if-none-match'));
    if (expected === undefined)
      return c.json(failure('INVALID_PRECONDITION', 'give If-Match: "<revision>" or *, or If-None-Match: *'), 400);
    const r = realization.as(c.var.context);
    try {
      const revision =
        expected.kind === 'present'
          ? (await c.var.session.find(machine, id)).revision
          : expected.kind === 'revision'
            ? expected.revision
            : expected.kind === 'absent'
              ? 0
              : undefined;
      const body = { id, ...c.req.valid('json'), ...(revision !== undefined && { revision }) };
      const { record, status } = await r.persistIntent(machine, body);
      c.header('etag', etagOf(record));
      return c.json(view(record, status), record.revision === 1 ? 201 : 200);
    } catch (error) {
      if (error instanceof RevisionConflictError || (error instanceof RecordNotFoundError && expected.kind !== 'none'))
        return c.json(failure('PRECONDITION_FAILED', error.message), 412);
      throw error;
    }
  });

  app.openapi(remove, async (c) => {
    const { id } = c.req.valid('param');
    const { rowsAffected } = await realization.as(c.var.context).softDelete(machine, id);
    if (rowsAffected === 0) throw new RecordNotFoundError(`there is no machine ${id}`);
    return c.body(null, 202);
  });
  return app;
}
