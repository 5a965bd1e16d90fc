import { ConfigurationError, IntendantError, TableNotRegisteredError } from '@intendant/core';
import type { Change } from './change.ts';
import type { ChangesOptions, Subscriptions } from './subscriptions.ts';
import { internalsOf } from './subscriptions-internals.ts';

export interface ServerSentEventsOptions {
  /** Who asks: the context to read as, or a promise of it. Answer undefined to refuse with 401. */
  readonly contextOf: (request: Request) => unknown;
  /** The table a request is about. Default: the last part of its path. */
  readonly tableOf?: (request: Request) => string;
  /** A comment is sent this often, so that neither side takes silence for death, in milliseconds. Default 15,000. */
  readonly heartbeatMs?: number;
}

const HEADERS = { 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-accel-buffering': 'no' };
const POSITION = /^[0-9a-f]{8}-\d{16}$/;

/**
 * Answers a request with the caller's changes as server-sent events. An event's id is its position: a browser that
 * connects again sends it as `Last-Event-ID`, and goes on after it. The event `reset` says that changes are missing (the log
 * no longer reaches back, or is another): list again. Refusals: 401 nobody, 403 not allowed, 404 no such table, 400 an id
 * that is none. Fits everything that serves Fetch requests, e.g. Hono:
 * `app.get('/changes/:table', (c) => handler(c.req.raw))`.
 */
export function serverSentEvents(
  subscriptions: Subscriptions,
  options: ServerSentEventsOptions,
): (request: Request) => Promise<Response> {
  return async (request) => {
    const context = await options.contextOf(request);
    if (context === undefined || context === null) return refuse(401, 'who are you?');
    const table = options.tableOf?.(request) ?? lastPartOf(request.url);
    const from = request.headers.get('last-event-id') ?? '';
    if (from !== '' && !POSITION.test(from)) return refuse(400, 'Last-Event-ID is no position of this feed');
    try {
      return await openStream(subscriptions, table, context, from, request.signal, options.heartbeatMs ?? 15_000);
    } catch (error) {
      return refusalFor(error);
    }
  };
}

/** As it stands where it is no proper encoding: then no table is called so. */
function lastPartOf(url: string): string {
  const part = new URL(url).pathname.split('/').at(-1) ?? '';
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

const refuse = (status: number, reason: string): Response => new Response(`${reason}\n`, { status });

/** Only what is the caller's own mistake is told. */
function refusalFor(error: unknown): Response {
  if (error instanceof TableNotRegisteredError) return refuse(404, 'there is no such table');
  if (error instanceof ConfigurationError) return refuse(503, 'the feed is closed');
  if (error instanceof IntendantError && !error.retryable) return refuse(403, 'you may not read this table');
  return refuse(503, 'the feed cannot be read now');
}

async function openStream(
  subscriptions: Subscriptions,
  table: string,
  context: unknown,
  from: string,
  closed: AbortSignal,
  heartbeatMs: number,
): Promise<Response> {
  const internals = internalsOf(subscriptions);
  const options: ChangesOptions = { as: context };
  const now = await internals.begin(table, options);
  const resumed =
    from === '' ? now : await internals.begin(table, { ...options, from }).catch((error) => error as Error);
  const isElsewhere = resumed instanceof ConfigurationError;
  if (resumed instanceof Error && !isElsewhere) throw resumed;
  const { view, from: place } = resumed instanceof Error ? now : resumed;
  const stop = new AbortController();
  const signal = AbortSignal.any([closed, stop.signal]);
  const reset = (at: number) => `id: ${internals.positionOf(at)}\nevent: reset\ndata: {}\n\n`;
  const events = async function* () {
    if (isElsewhere) yield reset(place);
    for await (const { changes, through, isReset } of internals.follow(view, place, signal)) {
      if (isReset) yield reset(changes[0] ? changes[0].sequence - 1 : through);
      for (const change of changes) yield printEvent(change.change);
    }
  };
  return new Response(stream(events(), stop, heartbeatMs), { headers: HEADERS });
}

/** Pulled by the client: the next page is read when there is room for it. */
function stream(
  events: AsyncGenerator<string>,
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
      const next = await events.next();
      if (!next.done) return controller.enqueue(encoder.encode(next.value));
      clearInterval(heartbeat);
      controller.close();
    },
    cancel: () => {
      clearInterval(heartbeat);
      stop.abort();
    },
  });
}

function printEvent(change: Change): string {
  const data = JSON.stringify(change, (_, value) => (typeof value === 'bigint' ? String(value) : value));
  return `id: ${change.position}\nevent: ${change.operation}\ndata: ${data}\n\n`;
}
