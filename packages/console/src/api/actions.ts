import { createRoute, z } from '@hono/zod-openapi';
import type { ActionRun } from '../action/action-runs.ts';
import { audit } from '../action/audit.ts';
import { planDrain } from '../action/drain.ts';
import { ACTIONS, type Selection } from '../action/resource-action.ts';
import { type Access, demandService, isWriter, type ReadableTable, tableOf } from '../caller/access.ts';
import type { Caller } from '../caller/caller.ts';
import { type ConsoleParts, makeRouter } from '../console-parts.ts';
import { RefusedRequest } from '../http/problem.ts';
import { countResources } from '../resource/list-resources.ts';
import { FILTER_FIELDS, FilterBody, readFilter } from '../resource/resource-filter.ts';
import { readGivenKey } from '../resource/resource-key.ts';
import { json, refusals } from './responses.ts';
import { InstantSchema } from './schemas.ts';

const MAX_KEYS = 10_000;

const DRY_RUN = z
  .boolean()
  .default(false)
  .openapi({ description: 'True: nothing is done; the response says how many resources the action would be about.' });

const AT_MOST = z
  .int()
  .min(0)
  .optional()
  .openapi({ description: 'Refuse with 409 when more match: what a dry run said, so that nobody is surprised.' });

const ResourceActionBody = z
  .strictObject({
    table: z.string().max(200),
    keys: z
      .array(z.union([z.string().max(4_096), z.number(), z.record(z.string(), z.unknown())]))
      .min(1)
      .max(MAX_KEYS)
      .optional()
      .openapi({ description: `These resources, at most ${MAX_KEYS}.` }),
    filter: FilterBody.optional().openapi({ description: 'All resources that match. Give this or `keys`.' }),
    point: z
      .string()
      .min(1)
      .max(500)
      .optional()
      .openapi({ description: 'Only at this point. Default: the point of the filter, or all.' }),
    status: FILTER_FIELDS.status.openapi({
      description:
        'A retry only of points in this status, or in one of these. Default: the status of the filter, or whatever is not done.',
    }),
    dryRun: DRY_RUN,
    atMost: AT_MOST,
  })
  .openapi('ResourceAction', { oneOf: [{ required: ['keys'] }, { required: ['filter'] }] });

const DrainBody = z
  .strictObject({ point: z.string().min(1).max(500), dryRun: DRY_RUN, atMost: AT_MOST })
  .openapi('DrainAction');

const PlanSchema = z.object({ action: z.string(), matched: z.int(), dryRun: z.literal(true) }).openapi('ActionPlan');

const RunSchema = z
  .object({
    id: z.string(),
    action: z.string(),
    state: z.enum(['running', 'done', 'failed']),
    total: z.int(),
    done: z.int(),
    failed: z.int().openapi({ description: 'Resources that it did not apply to any more.' }),
    startedAt: InstantSchema,
    finishedAt: InstantSchema.nullable(),
    error: z.string().nullable(),
  })
  .openapi('ActionRun');

const responses = {
  200: json(PlanSchema, 'What a dry run found.'),
  202: json(RunSchema, 'The action has begun; follow it by its id.'),
  ...refusals(400, 403, 404, 409, 413, 415),
};

const resourceActionRoute = createRoute({
  method: 'post',
  path: '/actions/{action}',
  summary: 'Retry, resync or purge resources',
  description:
    'retry: due now, attempts from 1. resync: realize again what is realized already. purge: remove every trace of the resource.',
  request: {
    params: z.object({ action: z.enum(['retry', 'resync', 'purge']) }),
    body: { required: true, content: { 'application/json': { schema: ResourceActionBody } } },
  },
  responses,
});

const drainRoute = createRoute({
  method: 'post',
  path: '/actions/drain',
  summary: 'Take a point out of service: what is there is unrealized, and nothing is placed there any more',
  request: { body: { required: true, content: { 'application/json': { schema: DrainBody } } } },
  responses,
});

const runRoute = createRoute({
  method: 'get',
  path: '/actions/{id}',
  summary: 'How far an action is',
  request: { params: z.object({ id: z.string().max(100) }) },
  responses: { 200: json(RunSchema, 'The action.'), ...refusals(404) },
});

export const actionsApi = (parts: ConsoleParts) =>
  makeRouter()
    .openapi(drainRoute, async (context) => {
      const { point, dryRun, atMost } = context.req.valid('json');
      const [caller, access] = [context.get('caller'), context.get('access')];
      demandWriter(parts, caller, access, undefined, 'drain');
      demandService(access);
      const drain = await planDrain(parts, point);
      demandAtMost(drain.matched, atMost);
      if (dryRun) return context.json({ action: 'drain', matched: drain.matched, dryRun: true as const }, 200);
      audit(parts.logger, caller, access, { action: 'drain', point, matched: drain.matched });
      return context.json(toRun(await drain.begin(ownerOf(access))), 202);
    })
    .openapi(resourceActionRoute, async (context) => {
      const { action } = context.req.valid('param');
      const { table: name, dryRun, atMost, ...given } = context.req.valid('json');
      const [caller, access] = [context.get('caller'), context.get('access')];
      const table = tableOf(access, name);
      demandWriter(parts, caller, access, table, action);
      const selection = readSelection(table, given);
      const session = parts.realization.as(caller.context);
      const matched =
        'keys' in selection ? selection.keys.length : await countResources(session, table, selection.filter);
      demandAtMost(matched, atMost);
      if (dryRun) return context.json({ action, matched, dryRun: true as const }, 200);
      audit(parts.logger, caller, access, { action, table: name, matched, ...describe(selection) });
      const act = ACTIONS[action];
      const run = parts.runs.start({ action, owner: ownerOf(access), total: matched }, (progress) =>
        act({ session, table, selection, progress }),
      );
      return context.json(toRun(run), 202);
    })
    .openapi(runRoute, (context) => {
      const run = parts.runs.find(context.req.valid('param').id, ownerOf(context.get('access')));
      if (!run)
        throw new RefusedRequest(404, 'There is no such action, or it was forgotten, or somebody else began it.');
      return context.json(toRun(run), 200);
    });

type Given = Pick<z.infer<typeof ResourceActionBody>, 'keys' | 'filter' | 'point' | 'status'>;

function readSelection(table: ReadableTable, { keys, filter, point, status }: Given): Selection {
  if ((keys === undefined) === (filter === undefined))
    throw new RefusedRequest(400, 'Give either keys or a filter; the filter {} is every resource.');
  const { status: statuses } = readFilter({ status });
  if (keys) return { keys: keys.map((key) => readGivenKey(table, key)), point, statuses };
  const read = readFilter(filter ?? {});
  return { filter: read, point: point ?? read.point, statuses: statuses ?? read.status };
}

const describe = (selection: Selection): Record<string, unknown> =>
  'keys' in selection
    ? { keys: selection.keys.length, point: selection.point }
    : { filter: selection.filter, point: selection.point };

function demandWriter(
  { mayAct }: ConsoleParts,
  caller: Caller,
  access: Access,
  table: ReadableTable | undefined,
  action: string,
): void {
  const hasRight = table ? isWriter(table.scope) : access.mayWrite;
  if (hasRight && mayAct(caller.context, action)) return;
  throw new RefusedRequest(403, `Your role may read, but not ${action}.`);
}

function demandAtMost(matched: number, atMost: number | undefined): void {
  if (atMost === undefined || matched <= atMost) return;
  throw new RefusedRequest(
    409,
    `Now ${matched} match, more than the ${atMost} you agreed to. Look again, and confirm.`,
  );
}

/** Callers with the same rights can follow each other's actions. */
const ownerOf = ({ orgId, seesAllTenants, seesService }: Access): string =>
  JSON.stringify([orgId ?? null, seesAllTenants, seesService]);

const toRun = ({ owner: _, startedAt, finishedAt, error, ...run }: ActionRun): z.infer<typeof RunSchema> => ({
  ...run,
  startedAt: startedAt.toISOString(),
  finishedAt: finishedAt?.toISOString() ?? null,
  error: error ?? null,
});
