import { ConfigurationError } from '@intendant/core';
import type { Change } from '@intendant/subscription';
import { internalsOf, type SubscriptionsInternals } from '@intendant/subscription/internal';
import type { ReadableTable } from '../caller/access.ts';
import type { Caller } from '../caller/caller.ts';
import type { ConsoleParts } from '../console-parts.ts';
import { RefusedRequest } from '../http/problem.ts';
import { jsonRecord } from '../resource/json-value.ts';
import { printResourceKey } from '../resource/resource-key.ts';

/** The table of the resource to which a change belongs. */
export type ChangeKind = 'resource' | 'overall' | 'enforcement';

export interface StreamRequest {
  readonly caller: Caller;
  readonly tables: readonly ReadableTable[];
  readonly kind: ChangeKind | undefined;
  /** The position after which to begin; undefined: now. */
  readonly from: string | undefined;
  readonly signal: AbortSignal;
}

const HEARTBEAT_MS = 15_000;
/** How often a stream checks that this process still hears of changes, in milliseconds. */
const FEED_CHECK_MS = 1_000;
const HEADERS = { 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-accel-buffering': 'no' };

/** Counts open streams, and refuses more than are allowed. */
export class OpenStreams {
  readonly #limits: { readonly all: number; readonly perCaller: number };
  readonly #byCaller = new Map<string, number>();
  #all = 0;

  constructor(limits: { readonly all: number; readonly perCaller: number }) {
    this.#limits = limits;
  }

  /** Returns a function that removes the stream from the count. Throws an error with status 429. */
  enter(caller: string): () => void {
    const own = this.#byCaller.get(caller) ?? 0;
    if (this.#all >= this.#limits.all || own >= this.#limits.perCaller) {
      const detail = 'Too many live streams are open. Close one, or try again later.';
      throw new RefusedRequest(429, detail, { headers: { 'retry-after': '10' } });
    }
    this.#all += 1;
    this.#byCaller.set(caller, own + 1);
    let hasLeft = false;
    return () => {
      if (hasLeft) return;
      hasLeft = true;
      this.#leave(caller);
    };
  }

  #leave(caller: string): void {
    this.#all -= 1;
    const own = (this.#byCaller.get(caller) ?? 1) - 1;
    if (own === 0) this.#byCaller.delete(caller);
    else this.#byCaller.set(caller, own);
  }
}

type View = Awaited<ReturnType<SubscriptionsInternals['begin']>>['view'];

/** Streams the changes that the caller may see, as they become settled. Row security, under the caller's scope, decides which. */
export async function streamChanges(
  parts: ConsoleParts,
  streams: OpenStreams,
  request: StreamRequest,
): Promise<Response> {
  const leave = streams.enter(request.caller.id);
  try {
    const { view, place, isReset } = await openView(parts, request);
    return new Response(readable(parts, request, { view, place, isReset }, leave), { headers: HEADERS });
  } catch (error) {
    leave();
    throw error;
  }
}

interface OpenedView {
  readonly view: View;
  readonly place: number;
  /** The given position is of another log. */
  readonly isReset: boolean;
}

async function openView({ store, subscriptions }: ConsoleParts, request: StreamRequest): Promise<OpenedView> {
  const feed = internalsOf(subscriptions);
  const tables = request.tables.flatMap((table) => kindsOf(request.kind).map((kind) => table[kind]));
  const [first] = tables;
  if (!first) throw new RefusedRequest(403, 'You may not read any table.');
  const options = { as: request.caller.context };
  const begin = (from?: string) => feed.begin(first.definition, from === undefined ? options : { ...options, from });
  const resumed = await begin(request.from).catch((error: unknown) => {
    if (request.from !== undefined && error instanceof ConfigurationError) return undefined;
    throw error;
  });
  const { view, from } = resumed ?? (await begin());
  const scope = store.scopeOf(request.caller.context, tables);
  return { view: { ...view, tables, scope }, place: from, isReset: resumed === undefined };
}

const kindsOf = (kind: ChangeKind | undefined): ChangeKind[] =>
  kind ? [kind] : ['resource', 'overall', 'enforcement'];

/**
 * The client pulls: the next page of the log is read when the stream has room for it. While this process cannot hear of
 * changes, a stream would only look alive, so it ends; the client then tries again.
 */
function readable(
  parts: ConsoleParts,
  request: StreamRequest,
  opened: OpenedView,
  leave: () => void,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  const stop = new AbortController();
  const events = eventsOf(parts, request, opened, AbortSignal.any([request.signal, stop.signal]));
  let heartbeat: NodeJS.Timeout | undefined;
  let feedCheck: NodeJS.Timeout | undefined;
  const end = () => {
    clearInterval(heartbeat);
    clearInterval(feedCheck);
    stop.abort();
    leave();
  };
  request.signal.addEventListener('abort', end, { once: true });
  return new ReadableStream<Uint8Array>({
    start: (controller) => {
      const send = (text: string) => controller.enqueue(encoder.encode(text));
      send('retry: 1000\n\n');
      heartbeat = setInterval(() => {
        if ((controller.desiredSize ?? 0) > 0) send('event: beat\ndata: {}\n\n');
        request.caller.recheck().catch(end);
      }, HEARTBEAT_MS);
      heartbeat.unref();
      feedCheck = setInterval(() => {
        if (!parts.subscriptions.stats().listener.isConnected) stop.abort();
      }, FEED_CHECK_MS);
      feedCheck.unref();
    },
    pull: async (controller) => {
      const next = await events.next();
      if (!next.done) return controller.enqueue(encoder.encode(next.value));
      end();
      controller.close();
    },
    cancel: end,
  });
}

async function* eventsOf(
  { subscriptions }: ConsoleParts,
  { tables }: StreamRequest,
  { view, place, isReset }: OpenedView,
  signal: AbortSignal,
): AsyncGenerator<string> {
  const feed = internalsOf(subscriptions);
  const reset = (at: number) => `id: ${feed.positionOf(at)}\nevent: reset\ndata: {}\n\n`;
  const print = changePrinter(tables);
  yield `id: ${feed.positionOf(place)}\nevent: begin\ndata: {}\n\n`;
  if (isReset) yield reset(place);
  for await (const step of feed.follow(view, place, signal)) {
    if (step.isReset) yield reset(step.changes[0] ? step.changes[0].sequence - 1 : step.through);
    const events = step.changes.map(({ change }) => print(change)).join('');
    if (events !== '') yield events;
  }
}

/** Reports a change as one of the resource to which it belongs. */
function changePrinter(tables: readonly ReadableTable[]): (change: Change) => string {
  const known = new Map(
    tables.flatMap((table) => kindsOf(undefined).map((kind) => [table[kind].name, { table, kind }] as const)),
  );
  return (change) => {
    const { table, kind } = known.get(change.table) as { table: ReadableTable; kind: ChangeKind };
    const { enforcement_point_id: point, ...key } = change.key;
    const owned =
      table.scope.role.startsWith('tenant_') || change.orgId === null ? key : { orgId: change.orgId, ...key };
    const data = {
      kind,
      table: table.name,
      id: printResourceKey(table, owned),
      key: jsonRecord(owned),
      orgId: change.orgId,
      point: point ?? null,
      operation: change.operation,
      revision: change.revision,
      position: change.position,
      occurredAt: change.occurredAt.toISOString(),
    };
    return `id: ${change.position}\nevent: change\ndata: ${JSON.stringify(data)}\n\n`;
  };
}
