import {
  ConfigurationError,
  DatabaseError,
  httpErrorResponse,
  InvalidRecordError,
  TableNotRegisteredError,
} from '@intendant/core';
import { checkDuration, checkOptions, type OptionNames, startTimer, type Timer } from '@intendant/core/internal';
import type { Change } from './change.ts';
import type { Step } from './source/follow.ts';
import type { ChangesOptions, Subscriptions } from './subscriptions.ts';
import { internalsOf } from './subscriptions-internals.ts';

/** Selects the changes of a table that a client receives. */
export type EventFilter = Pick<ChangesOptions, 'keys' | 'where' | 'operations'>;

/** Options of `serverSentEvents`. */
export interface ServerSentEventsOptions {
  /** Returns the caller's context, or a promise of it. Undefined refuses the request with 401. */
  readonly contextOf: (request: Request) => unknown;
  /** The table a request is about. Default: the last part of its path. */
  readonly tableOf?: (request: Request) => string;
  /** Selects which of the caller's changes are sent; others do not leave the server. Default: all. */
  readonly filterOf?: (request: Request) => EventFilter;
  /**
   * The time at which the context, and with it the stream, ends. Default: the claim `exp` of a JwtAuthorizer's context,
   * otherwise never. In any case the stream ends when the store's authorizer reports that the context has ended
   * (`expiresAt`, `isValid`).
   */
  readonly expiresAt?: (context: unknown) => Date | undefined;
  /**
   * Whether the context is still valid. Called with each heartbeat; the stream ends when it returns false or throws.
   * Before each page of changes, the stream also ends if the authorizer now refuses the context or gives it another
   * scope. Default: always valid.
   */
  readonly isValid?: (context: unknown) => boolean | Promise<boolean>;
  /** Interval between two comments that keep the connection open, in milliseconds. Default 15,000. */
  readonly heartbeatMs?: number;
}

const OPTIONS: OptionNames<ServerSentEventsOptions> = {
  contextOf: 'function',
  tableOf: 'function',
  filterOf: 'function',
  expiresAt: 'function',
  isValid: 'function',
  heartbeatMs: 'number',
};

const FILTER: OptionNames<EventFilter> = { keys: 'list', where: 'object', operations: 'list' };

const HEARTBEAT_MS = 15_000;
const HEADERS = { 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-accel-buffering': 'no' };
const POSITION = /^[0-9a-f]{8}-\d{16}$/;

/**
 * Returns a handler that sends the caller's changes as server-sent events. An event's id is its position. A browser
 * that reconnects sends it as `Last-Event-ID`, and receives the changes after it. The event `reset` reports that
 * changes are missing (the log no longer contains them, or was replaced): list the records again. Bytes are sent as
 * base64; 64-bit integers and numbers that are not finite as text; times in ISO 8601. The stream ends with its context.
 *
 * Refused requests have the status of `httpErrorResponse`: 401 without a caller or org, 403 not allowed, 400 for an invalid id
 * or filter, 404 for an unknown table, 503 if the feed cannot be read. Works with every server of Fetch requests, e.g.
 * Hono: `app.get('/changes/:table', (c) => handler(c.req.raw))`.
 */
export function serverSentEvents(
  subscriptions: Subscriptions,
  options: ServerSentEventsOptions,
): (request: Request) => Promise<Response> {
  internalsOf(subscriptions);
  checkOptions('serverSentEvents', options, OPTIONS);
  if (options?.contextOf === undefined)
    throw new ConfigurationError(
      'serverSentEvents: the option contextOf is missing; it returns the context of a request',
    );
  checkDuration('heartbeatMs', options.heartbeatMs ?? HEARTBEAT_MS, { max: 2 ** 31 - 1 });
  return async (request) => {
    try {
      const context = await options.contextOf(request);
      if (context === undefined || context === null) return refuse(401, 'the request has no context; sign in first');
      const after = request.headers.get('last-event-id') ?? '';
      if (after !== '' && !POSITION.test(after)) return refuse(400, 'Last-Event-ID is not a position of this feed');
      const table = options.tableOf?.(request) ?? lastPartOf(request.url);
      const filter = options.filterOf?.(request) ?? {};
      checkOptions('filterOf', filter, FILTER);
      const gone = request.signal;
      return await openStream(subscriptions, { table, context, after, filter, gone }, options);
    } catch (error) {
      return refusalForAny(error);
    }
  };
}

/** Returns the text unchanged if it is not properly encoded; no table has such a name. */
function lastPartOf(url: string): string {
  const part = new URL(url).pathname.split('/').at(-1) ?? '';
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

const refuse = (status: number, reason: string): Response => new Response(`${reason}\n`, { status });

class ClosedFeed extends Error {}

/** Errors that the client can act on are sent to it. */
function refusalFor(error: unknown): Response {
  if (error instanceof TableNotRegisteredError) return refuse(404, 'there is no such table');
  if (error instanceof ClosedFeed) return refuse(503, 'the feed is closed');
  if (error instanceof ConfigurationError) return refuse(500, 'the server cannot do this');
  if (error instanceof DatabaseError) return refuse(503, 'the feed cannot be read now');
  const answer = httpErrorResponse(error);
  return refuse(answer?.status ?? 500, answer?.body.error.message ?? 'the server cannot do this');
}

/** `contextOf` and `filterOf` may throw anything, even an object whose properties throw. */
function refusalForAny(error: unknown): Response {
  try {
    return refusalFor(error);
  } catch {
    return refuse(500, 'the server cannot do this');
  }
}

/** A stream before it is opened. */
interface Opening {
  readonly table: string;
  readonly context: unknown;
  /** An event's id; empty: from now on. */
  readonly after: string;
  readonly filter: EventFilter;
  /** Aborts when the client has disconnected. */
  readonly gone: AbortSignal;
}

async function openStream(
  subscriptions: Subscriptions,
  { table, context, after, filter, gone }: Opening,
  options: ServerSentEventsOptions,
): Promise<Response> {
  const internals = internalsOf(subscriptions);
  const asked: ChangesOptions = { ...filter, as: context };
  if (internals.isClosed()) throw new ClosedFeed();
  const now = await internals.begin(table, asked).catch(filterRefused);
  const resumed =
    after === '' ? now : await internals.begin(table, { ...asked, from: after }).catch((error) => error as Error);
  const isElsewhere = resumed instanceof ConfigurationError;
  if (resumed instanceof Error && !isElsewhere) throw resumed;
  const { view, from } = resumed instanceof Error ? now : resumed;
  const stop = new AbortController();
  const watch = internals.watchContext(context);
  const signal = AbortSignal.any([gone, stop.signal, watch.signal]);
  signal.addEventListener('abort', () => watch.end(), { once: true });
  const reset = (at: number) => `id: ${internals.positionOf(at)}\nevent: reset\ndata: {}\n\n`;
  const events = async function* () {
    if (isElsewhere) yield reset(from);
    for await (const { changes, through, isReset } of untilFeedEnds(internals.follow(view, from, signal))) {
      if (!internals.mayFollow(view, context)) return;
      if (isReset) yield reset(changes[0] ? changes[0].sequence - 1 : through);
      for (const change of changes) {
        if (signal.aborted) return;
        yield printEvent(change.change);
      }
    }
  };
  const isAllowed = async () => internals.mayFollow(view, context) && ((await options.isValid?.(context)) ?? true);
  const expiresAt = options.expiresAt ? options.expiresAt(context) : expiryOfToken(context);
  const lifetime = { stop, signal, heartbeatMs: options.heartbeatMs ?? HEARTBEAT_MS, expiresAt, isAllowed };
  return new Response(stream(events(), lifetime), { headers: HEADERS });
}

/** The table, and the client's filter, are all that a request can get wrong here. */
function filterRefused(error: unknown): never {
  throw error instanceof ConfigurationError ? new InvalidRecordError(error.message, { cause: error }) : error;
}

/** If the table was taken out of the feed, the stream ends, and the client that connects again is told so. */
async function* untilFeedEnds(steps: AsyncIterable<Step>): AsyncGenerator<Step> {
  try {
    yield* steps;
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
  }
}

/** The claim `exp` of a context that was made from a token, as by JwtAuthorizer. */
function expiryOfToken(context: unknown): Date | undefined {
  const claims = (context as { readonly claims?: { readonly exp?: unknown } }).claims;
  return typeof claims?.exp === 'number' ? new Date(claims.exp * 1_000) : undefined;
}

interface Lifetime {
  /** Ends the stream. */
  readonly stop: AbortController;
  /** Aborts when the stream has ended, also because the client has disconnected. */
  readonly signal: AbortSignal;
  readonly heartbeatMs: number;
  readonly expiresAt: Date | undefined;
  readonly isAllowed: () => Promise<boolean>;
}

/** The client pulls: the next page is read when the stream has room for it. */
function stream(
  events: AsyncGenerator<string>,
  { stop, signal, heartbeatMs, expiresAt, isAllowed }: Lifetime,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let heartbeat: NodeJS.Timeout | undefined;
  let expiry: Timer | undefined;
  const end = (controller: ReadableStreamDefaultController<Uint8Array>): void => {
    if (!stop.signal.aborted) controller.close();
    stop.abort();
  };
  return new ReadableStream<Uint8Array>({
    start: (controller) => {
      const rest = () => {
        clearInterval(heartbeat);
        expiry?.cancel();
        if (!stop.signal.aborted) end(controller);
      };
      signal.addEventListener('abort', rest, { once: true });
      controller.enqueue(encoder.encode(': open\n\n'));
      heartbeat = setInterval(() => {
        void isAllowed()
          .catch(() => false)
          .then((isStillAllowed) => {
            if (!isStillAllowed) end(controller);
            else if (!stop.signal.aborted && (controller.desiredSize ?? 0) > 0)
              controller.enqueue(encoder.encode(': still here\n\n'));
          });
      }, heartbeatMs);
      if (expiresAt)
        expiry = startTimer(expiresAt.getTime() - Date.now(), () => end(controller), { keepsProcess: false });
    },
    pull: async (controller) => {
      const next = await events.next();
      if (stop.signal.aborted) return;
      if (next.done) end(controller);
      else controller.enqueue(encoder.encode(next.value));
    },
    cancel: () => stop.abort(),
  });
}

function printEvent(change: Change): string {
  return `id: ${change.position}\nevent: ${change.operation}\ndata: ${JSON.stringify(change, printable)}\n\n`;
}

/** Encodes what JSON has no form for. Examines the value before its own `toJSON` is called. */
function printable(this: Readonly<Record<string, unknown>>, field: string, value: unknown): unknown {
  const before = this[field];
  if (before instanceof Uint8Array) return Buffer.from(before).toString('base64');
  if (typeof value === 'bigint') return String(value);
  return typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
}
