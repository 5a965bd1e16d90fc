import { ConfigurationError } from '@intendant/core';
import type { Change } from './change.ts';
import type { Subscriptions } from './subscriptions.ts';

export interface ServerSentEventsOptions {
  /** Who asks: the context to read as. Answer undefined to refuse with 401. */
  readonly contextOf: (request: Request) => unknown;
  /** The table a request is about. Default: the last part of its path. */
  readonly tableOf?: (request: Request) => string;
  /** A comment is sent this often, so that neither side takes silence for death, in milliseconds. Default 15,000. */
  readonly heartbeatMs?: number;
}

const HEADERS = { 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-accel-buffering': 'no' };

/**
 * Answers a request with the caller's changes as server-sent events. An event's id is its position: a browser that
 * connects again sends it as `Last-Event-ID`, and goes on after it. A log that no longer reaches back sends the event
 * `reset`. Fits everything that serves Fetch requests, e.g. Hono: `app.get('/changes/:table', (c) => handler(c.req.raw))`.
 */
export function serverSentEvents(
  subscriptions: Subscriptions,
  options: ServerSentEventsOptions,
): (request: Request) => Promise<Response> {
  return async (request) => {
    const context = await options.contextOf(request);
    if (context === undefined || context === null) return new Response('who are you?\n', { status: 401 });
    const table = options.tableOf?.(request) ?? (new URL(request.url).pathname.split('/').at(-1) as string);
    const from = request.headers.get('last-event-id') ?? 'now';
    const stop = new AbortController();
    const signal = AbortSignal.any([request.signal, stop.signal]);
    const isReset = { pending: false };
    const onReset = () => {
      isReset.pending = true;
    };
    const changes = subscriptions.changes(table, { as: context, from, signal, onReset });
    return new Response(events(changes, isReset, stop, options.heartbeatMs ?? 15_000), { headers: HEADERS });
  };
}

/** Pulled by the client: the next change is read when there is room for it. */
function events(
  changes: AsyncIterableIterator<Change>,
  isReset: { pending: boolean },
  stop: AbortController,
  heartbeatMs: number,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let heartbeat: NodeJS.Timeout | undefined;
  return new ReadableStream<Uint8Array>({
    start: (controller) => {
      controller.enqueue(encoder.encode(': open\n\n'));
      heartbeat = setInterval(() => {
        if ((controller.desiredSize ?? 0) > 0) controller.enqueue(encoder.encode(': still here\n\n'));
      }, heartbeatMs);
    },
    pull: async (controller) => {
      const next = await changes.next().catch((error) => failure(error));
      if (isReset.pending) controller.enqueue(encoder.encode('event: reset\ndata: {}\n\n'));
      isReset.pending = false;
      if ('failed' in next)
        controller.enqueue(encoder.encode(`event: error\ndata: ${JSON.stringify(next.failed)}\n\n`));
      if ('failed' in next || next.done) {
        clearInterval(heartbeat);
        controller.close();
      } else controller.enqueue(encoder.encode(printEvent(next.value)));
    },
    cancel: () => {
      clearInterval(heartbeat);
      stop.abort();
    },
  });
}

/** Only what is the caller's own mistake is told. */
const failure = (error: unknown) => ({
  failed: error instanceof ConfigurationError ? error.message : 'the feed failed',
});

function printEvent(change: Change): string {
  const data = JSON.stringify(change, (_, value) => (typeof value === 'bigint' ? String(value) : value));
  return `id: ${change.position}\nevent: ${change.operation}\ndata: ${data}\n\n`;
}
