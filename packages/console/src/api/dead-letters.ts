import { createRoute, z } from '@hono/zod-openapi';
import type { DeadLetter, Subscriptions } from '@intendant/subscription';
import { internalsOf } from '@intendant/subscription/internal';
import { audit } from '../action/audit.ts';
import { demandService } from '../caller/access.ts';
import { type ConsoleParts, makeRouter } from '../console-parts.ts';
import { RefusedRequest } from '../http/problem.ts';
import { jsonRecord } from '../resource/json-value.ts';
import { POSITION_PATTERN } from './position-pattern.ts';
import { json, refusals } from './responses.ts';
import { InstantSchema, RecordSchema } from './schemas.ts';

const DeadLetterSchema = z
  .object({
    name: z.string().openapi({ description: 'The durable subscription that put it aside.' }),
    position: z.string(),
    table: z.string(),
    operation: z.enum(['insert', 'update', 'delete']),
    key: RecordSchema,
    orgId: z.string().nullable(),
    revision: z.int().nullable(),
    record: RecordSchema.nullable(),
    attempts: z.int(),
    error: z.string(),
    failedAt: InstantSchema,
    isDue: z.boolean().openapi({ description: 'It is to be tried again.' }),
  })
  .openapi('DeadLetter');

const LettersSchema = z.object({ deadLetters: z.array(DeadLetterSchema) });

const listRoute = createRoute({
  method: 'get',
  path: '/dead-letters',
  summary: 'Changes that a durable subscription put aside',
  request: {
    query: z.object({
      name: z.string().max(500).optional().openapi({ description: 'Of this subscription. Default: of all.' }),
      limit: z.coerce.number().int().min(1).max(1_000).default(100),
    }),
  },
  responses: { 200: json(LettersSchema, 'By subscription, the oldest first.'), ...refusals(400, 403, 404) },
});

const LetterActionBody = z
  .strictObject({
    name: z.string().max(500),
    positions: z
      .array(z.string().regex(POSITION_PATTERN))
      .min(1)
      .max(10_000)
      .optional()
      .openapi({ description: 'Default: all of the name.' }),
  })
  .openapi('DeadLetterAction');

const actionRoute = createRoute({
  method: 'post',
  path: '/dead-letters/{action}',
  summary: 'Hand dead letters over again, or drop them',
  request: {
    params: z.object({ action: z.enum(['replay', 'drop']) }),
    body: { required: true, content: { 'application/json': { schema: LetterActionBody } } },
  },
  responses: {
    200: json(z.object({ matched: z.int() }), 'How many it was about.'),
    ...refusals(400, 403, 404, 413, 415),
  },
});

export const deadLettersApi = ({ subscriptions, logger, mayAct }: ConsoleParts) =>
  makeRouter()
    .openapi(listRoute, async (context) => {
      const { name, limit } = context.req.valid('query');
      demandService(context.get('access'));
      if (name !== undefined) await demandName(subscriptions, name);
      const letters = await subscriptions.findDeadLetters({ limit, ...(name !== undefined && { name }) });
      return context.json({ deadLetters: letters.map(toLetter) }, 200);
    })
    .openapi(actionRoute, async (context) => {
      const { action } = context.req.valid('param');
      const { name, positions } = context.req.valid('json');
      const [caller, access] = [context.get('caller'), context.get('access')];
      demandService(access);
      if (!access.mayWrite || !mayAct(caller.context, `dead-letters ${action}`))
        throw new RefusedRequest(403, `Your role may read, but not ${action}.`);
      await demandName(subscriptions, name);
      demandOwnPositions(subscriptions, positions ?? []);
      const selection = positions ? { positions } : {};
      const matched =
        action === 'replay'
          ? await subscriptions.replayDeadLetters(name, selection)
          : await subscriptions.discardDeadLetters(name, selection);
      audit(logger, caller, access, { action: `dead-letters ${action}`, name, positions: positions?.length, matched });
      return context.json({ matched }, 200);
    });

async function demandName(subscriptions: Subscriptions, name: string): Promise<void> {
  const known = await subscriptions.list();
  if (known.some((subscription) => subscription.name === name)) return;
  throw new RefusedRequest(404, 'There is no durable subscription of this name.');
}

/** A page that was open while the database was replaced shows letters of the old one. */
function demandOwnPositions(subscriptions: Subscriptions, positions: readonly string[]): void {
  const [logId] = internalsOf(subscriptions).positionOf(0).split('-');
  if (positions.every((position) => position.split('-')[0] === logId)) return;
  throw new RefusedRequest(400, 'A position is from another database. Read the dead letters again.');
}

const toLetter = (letter: DeadLetter): z.infer<typeof DeadLetterSchema> => ({
  name: letter.name,
  position: letter.position,
  table: letter.change.table,
  operation: letter.change.operation,
  key: jsonRecord(letter.change.key),
  orgId: letter.change.orgId,
  revision: letter.change.revision,
  record: letter.change.record ? jsonRecord(letter.change.record) : null,
  attempts: letter.attempts,
  error: letter.error,
  failedAt: letter.failedAt.toISOString(),
  isDue: letter.isDue,
});
