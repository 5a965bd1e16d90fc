import {
  type AnyTable,
  ConfigurationError,
  ConnectionError,
  type ConnectionSource,
  type DataStore,
  type RecordOf,
} from '@intendant/core';
import { type DataStoreInternals, readConnection, internalsOf as storeInternalsOf } from '@intendant/core/internal';
import type pg from 'pg';
import { type Logger, pino } from 'pino';
import type { Change, Operation } from './change.ts';
import { changesOf } from './delivery/change-iterator.ts';
import { checkName } from './delivery/durable-cursor.ts';
import { DurableSubscription } from './delivery/durable-subscription.ts';
import { changeLogPart } from './log/change-log-part.ts';
import type { LogView } from './log/read-log.ts';
import type { Position } from './position.ts';
import { Announcements } from './relay/announcements.ts';
import { Relay } from './relay/relay.ts';
import { type Feed, follow } from './source/follow.ts';
import { Horizon } from './source/horizon.ts';
import { startPlace } from './source/start-place.ts';
import { type Handler, RunningSubscription, type Subscription } from './subscription.ts';
import { exposeSubscriptions, type SettledListener } from './subscriptions-internals.ts';

export interface SubscriptionsOptions {
  /** Its tables get the feed: those registered, and all registered later. */
  // biome-ignore lint/suspicious/noExplicitAny: a store of whatever context
  readonly store: DataStore<any>;
  /** The application login, straight to Postgres: LISTEN does not survive a pooler in transaction mode. Default: the store's. */
  readonly connection?: ConnectionSource;
  /** Default: the store's. */
  readonly logger?: Logger;
  /** Tables whose changes carry the row. It stays so until the feed is made anew. Default none: changes carry the key. */
  readonly records?: readonly (string | AnyTable)[];
  /** Changes older than this may be dropped, in milliseconds. Default 7 days. */
  readonly retentionMs?: number;
  /** Changes in one partition of the log, which is what retention drops at once. Default 1,000,000. */
  readonly partitionSize?: number;
  /** False: this process never leads the relay. At least one process must. Default true. */
  readonly relay?: boolean;
}

export interface ChangesOptions {
  /** Whose changes: the tenant's and instance's that this context may see. Default: all, as a service-wide reader. */
  readonly as?: unknown;
  /** Where to begin: `now`, `beginning` (of what the log still holds), or a position some change carried. Default `now`. */
  readonly from?: 'now' | 'beginning' | Position;
  /** Default: all. */
  readonly operations?: readonly Operation[];
  /** The log no longer reaches back to where this subscriber stood: list the table again. Changes go on after it. */
  readonly onReset?: () => unknown;
  /** Ends it. */
  readonly signal?: AbortSignal;
}

export interface SubscribeOptions extends ChangesOptions {
  /**
   * Makes it durable: the cursor is kept in the database under this name, `from` counts the first time only, and one of
   * the processes that subscribe with it works while the others stand by. At least once.
   */
  readonly name?: string;
}

/** The changes of a store's tables. */
export interface Subscriptions extends AsyncDisposable {
  /**
   * Calls the handler with each change, one after the other, in the order of positions. A handler that throws is called
   * again with the same change, for ever and ever slower.
   *
   * Throws TableNotRegisteredError, ConfigurationError, and what reading the context throws.
   */
  subscribe<T extends AnyTable>(
    table: T,
    handler: Handler<RecordOf<T>>,
    options?: SubscribeOptions,
  ): Promise<Subscription>;
  subscribe(table: string, handler: Handler, options?: SubscribeOptions): Promise<Subscription>;
  /** The same as a loop. The next change is read when the body is done with the last. */
  changes<T extends AnyTable>(table: T, options?: ChangesOptions): AsyncIterableIterator<Change<RecordOf<T>>>;
  changes(table: string, options?: ChangesOptions): AsyncIterableIterator<Change>;
  /** Ends all subscriptions, each after the change under way. May be called twice. */
  close(): Promise<void>;
}

/**
 * Opens the feed: installs the change log and its triggers, listens, and takes part in the relay. Close it before its
 * store; a store that closes closes it.
 *
 * Throws ConfigurationError or ConnectionError.
 */
export async function createSubscriptions(options: SubscriptionsOptions): Promise<Subscriptions> {
  const subscriptions = new PostgresSubscriptions(options);
  await subscriptions.open();
  return subscriptions;
}

const DAY_MS = 86_400_000;
const READY_MS = 15_000;
const OPERATIONS: readonly Operation[] = ['insert', 'update', 'delete'];

class PostgresSubscriptions implements Subscriptions {
  readonly #internals: DataStoreInternals;
  readonly #connection: pg.ClientConfig;
  readonly #logger: Logger;
  readonly #options: SubscriptionsOptions;
  readonly #horizon = new Horizon();
  readonly #announcements: Announcements;
  readonly #relay: Relay | undefined;
  readonly #open = new Set<Subscription>();
  readonly #closing = new AbortController();
  #feed!: Feed;
  #closed: Promise<void> | undefined;

  constructor(options: SubscriptionsOptions) {
    this.#options = options;
    this.#internals = storeInternalsOf(options.store);
    this.#connection =
      options.connection === undefined ? this.#internals.connection : readConnection('connection', options.connection);
    this.#logger = options.logger ?? this.#internals.logger ?? pino({ level: 'silent' });
    const onSettled = (settled: number) => this.#horizon.advance(settled);
    this.#announcements = new Announcements(this.#connection, this.#logger, onSettled);
    if (options.relay !== false) {
      this.#relay = new Relay({
        connection: this.#connection,
        logger: this.#logger,
        retentionMs: options.retentionMs ?? 7 * DAY_MS,
        partitionSize: this.#partitionSize,
        onSettled,
      });
    }
  }

  get #partitionSize(): number {
    return this.#options.partitionSize ?? 1_000_000;
  }

  async open(): Promise<void> {
    const recordTables = new Set(
      (this.#options.records ?? []).map((table) => (typeof table === 'string' ? table : table.name)),
    );
    await this.#internals.addSchemaPart(
      changeLogPart({ internals: this.#internals, recordTables, partitionSize: this.#partitionSize }),
    );
    const { rows } = await this.#internals.pool.query<{ id: string }>('select id from intendant.change_log_identity');
    this.#feed = {
      internals: this.#internals,
      logId: rows[0]?.id as string,
      horizon: this.#horizon,
      logger: this.#logger,
    };
    this.#internals.onClose(() => this.close());
    exposeSubscriptions(this, { onSettledChanges: (names, listener) => this.#listen(names, listener) });
    try {
      await this.#announcements.start();
      this.#relay?.start();
      await this.#awaitRelay();
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  async #awaitRelay(): Promise<void> {
    await this.#horizon.beyond(-1, AbortSignal.timeout(READY_MS));
    if (this.#horizon.settled < 0) {
      throw new ConnectionError(
        'no relay spoke within 15 s: at least one process must open subscriptions without `relay: false`',
      );
    }
  }

  async subscribe(
    tableOrName: string | AnyTable,
    handler: Handler<never>,
    options: SubscribeOptions = {},
  ): Promise<Subscription> {
    if (typeof handler !== 'function')
      throw new ConfigurationError('subscribe: give a handler, a function of one change');
    const { view, from } = await this.#begin(tableOrName, options);
    const parts = { feed: this.#feed, view, from, handler: handler as Handler, onReset: options.onReset };
    const onClosed = async () => void this.#open.delete(subscription);
    const subscription: Subscription =
      options.name === undefined
        ? new RunningSubscription({ ...parts, keepCursor: undefined, onClosed })
        : await this.#durable(options.name, { ...parts, onClosed });
    this.#open.add(subscription);
    options.signal?.addEventListener('abort', () => void subscription.close(), { once: true });
    if (options.signal?.aborted) await subscription.close();
    return subscription;
  }

  async #durable(
    name: string,
    parts: Omit<ConstructorParameters<typeof DurableSubscription>[0], 'name' | 'table' | 'connection'>,
  ): Promise<Subscription> {
    if (name === '') throw new ConfigurationError('subscribe: the name must not be empty');
    const [table] = parts.view.tables;
    if (!table) throw new TypeError('a durable subscription without a table');
    await checkName(this.#internals, name, table);
    return new DurableSubscription({ ...parts, name, table, connection: this.#connection });
  }

  changes(tableOrName: string | AnyTable, options: ChangesOptions = {}): AsyncIterableIterator<never> {
    const begin = () => this.#begin(tableOrName, options);
    const signal = AbortSignal.any([this.#closing.signal, ...(options.signal ? [options.signal] : [])]);
    return changesOf(() => this.#feed, begin, options.onReset, signal) as AsyncIterableIterator<never>;
  }

  async #begin(tableOrName: string | AnyTable, options: ChangesOptions): Promise<{ view: LogView; from: number }> {
    if (this.#closing.signal.aborted) throw new ConfigurationError('these subscriptions are closed');
    const table = this.#internals.table(tableOrName);
    const operations = options.operations ?? OPERATIONS;
    const unknown = operations.find((operation) => !OPERATIONS.includes(operation));
    if (unknown !== undefined)
      throw new ConfigurationError(
        `subscribe: there is no operation ${JSON.stringify(unknown)}; choose from ${OPERATIONS.join(', ')}`,
      );
    const scope = options.as === undefined ? undefined : this.#internals.scopeOf(options.as, [table]);
    return { view: { tables: [table], operations, scope }, from: await startPlace(this.#feed, options.from ?? 'now') };
  }

  async #listen(names: readonly string[], listener: SettledListener): Promise<() => void> {
    const stopping = new AbortController();
    const signal = AbortSignal.any([stopping.signal, this.#closing.signal]);
    const view = { tables: names.map((name) => this.#internals.table(name)), operations: OPERATIONS, scope: undefined };
    const from = await startPlace(this.#feed, 'now');
    const run = async () => {
      for await (const { changes, isReset } of follow(this.#feed, view, from, signal)) {
        if (signal.aborted) return;
        if (isReset) listener.onGap?.();
        if (changes.length > 0) listener.onChanges(changes.map(({ change }) => change));
      }
    };
    void run().catch((error) =>
      this.#logger.error({ err: error }, 'a listener of settled changes failed, and hears no more'),
    );
    return () => stopping.abort();
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#closing.abort();
    await Promise.all([...this.#open].map((subscription) => subscription.close()));
    await this.#relay?.stop();
    await this.#announcements.stop();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
