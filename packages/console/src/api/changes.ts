import { createRoute, z } from '@hono/zod-openapi';
import { tableOf } from '../caller/access.ts';
import { type ConsoleParts, makeRouter } from '../console-parts.ts';
import { RefusedRequest } from '../http/problem.ts';
import { type OpenStreams, streamChanges } from '../stream/change-stream.ts';
import { POSITION_PATTERN } from './position-pattern.ts';
import { refusals } from './responses.ts';

const changesRoute = createRoute({
  method: 'get',
  path: '/changes',
  summary: 'What changes, as server-sent events',
  description:
    'An event `change` for each change of a resource or of a status that the caller may see. Its id is its position: send it as `Last-Event-ID` to go on after it. The event `begin` says where the stream begins, `reset` that changes are missing (list again), and `beat`, every 15 s, that the connection is alive. The stream ends when the database cannot be reached; connect again.',
  request: {
    query: z.object({
      table: z.string().max(200).optional().openapi({ description: 'Default: every table that the caller may read.' }),
      kind: z.enum(['resource', 'overall', 'enforcement']).optional().openapi({ description: 'Default: all three.' }),
      after: z
        .string()
        .max(40)
        .optional()
        .openapi({ description: 'A position, for clients that cannot send the header.' }),
    }),
    headers: z.object({ 'last-event-id': z.string().max(40).optional() }),
  },
  responses: {
    200: { description: 'The stream.', content: { 'text/event-stream': { schema: z.string() } } },
    ...refusals(400, 403, 404),
  },
});

export const changesApi = (parts: ConsoleParts, streams: OpenStreams) =>
  makeRouter().openapi(changesRoute, async (context) => {
    const { table: name, kind, after } = context.req.valid('query');
    const access = context.get('access');
    const tables = name === undefined ? access.tables : [tableOf(access, name)];
    const from = context.req.valid('header')['last-event-id'] || after;
    if (from !== undefined && !POSITION_PATTERN.test(from))
      throw new RefusedRequest(
        400,
        'Last-Event-ID is not a position of this feed. Leave it out to begin with the next change.',
      );
    return streamChanges(parts, streams, {
      caller: context.get('caller'),
      tables,
      kind,
      from,
      signal: context.req.raw.signal,
    });
  });
