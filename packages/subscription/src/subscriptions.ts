import type { AnyTable, ConnectionSource, DataStore, RecordOf } from '@intendant/core';
import type { Logger } from 'pino';
import type { Change, ChangedKeyOf, ChangeOf, Operation } from './change.ts';
import type { DeliveryOptions } from './delivery/delivery-options.ts';
import type { BatchHandler, Handler } from './delivery/handler.ts';
import type { DeadLetter } from './durable/dead-letters.ts';
import type { DurableSubscriptionInfo } from './durable/durable-subscription-info.ts';
import type { SourceKind } from './log/source-kind.ts';
import type { Mirror, MirrorOptions } from './mirror/mirror.ts';
import type { Position } from './position.ts';
import type { RelayState } from './relay/relay.ts';
import type { ChangeFilter } from './source/change-filter.ts';
import type { Subscription, SubscriptionStats } from './subscription.ts';

// biome-ignore lint/suspicious/noExplicitAny: a store of any context type
type AnyStore = DataStore<any>;

/** Options of `createSubscriptions`. */
export interface SubscriptionsOptions {
  /** The store whose tables get the feed: those that are registered now, and those registered later. */
  readonly store: AnyStore;
  /**
   * The application login, connected directly to Postgres: LISTEN does not work through a pooler in transaction mode.
   * Default: the store's connection.
   */
  readonly connection?: ConnectionSource;
  /** Default: the store's. */
  readonly logger?: Logger;
  /**
   * Tables whose changes contain the row. This remains so until the feed is created anew. Default none: changes contain
   * the key.
   */
  readonly records?: readonly (string | AnyTable)[];
  /** Changes older than this may be dropped, in milliseconds. Default 7 days. */
  readonly retentionMs?: number;
  /** Number of changes in one partition of the log. Whole partitions are dropped after the retention. Default 1,000,000. */
  readonly partitionSize?: number;
  /**
   * How changes are written to the log. `triggers`: writers append them in their transactions. `replication`: the
   * leading relay reads them from the write-ahead log. This costs writers almost nothing, but needs `wal_level =
   * logical` and a replication slot, and the server logs whole old rows. The first choice in a database applies to all
   * processes. Default `triggers`.
   */
  readonly source?: SourceKind;
  /** For `source: 'replication'`: a login with REPLICATION that owns the log. Default: the store's admin connection. */
  readonly replicationConnection?: ConnectionSource;
  /** False: this process never leads the relay. At least one process must be able to. Default true. */
  readonly relay?: boolean;
}

/** Options of `subscriptions.changes`: which changes, and from where. */
export interface ChangesOptions extends ChangeFilter {
  /**
   * The context whose changes are delivered: those of the tenant and instance that it may see. Default: all, as a
   * service-wide reader.
   */
  readonly as?: unknown;
  /** Where to begin: `now`, `beginning` (the oldest change in the log), or the position of a change. Default `now`. */
  readonly from?: 'now' | 'beginning' | Position;
  /** The operations to deliver. Default: all. */
  readonly operations?: readonly Operation[];
  /**
   * Called when the log no longer contains all changes after this subscriber's place, and after each promotion of a
   * standby, because changes that were delivered may be lost: list the table again. Later changes are then delivered. A
   * subscription with a name continues after a promotion at the cursors that the new server has.
   */
  readonly onReset?: () => unknown;
  /** Aborting the signal ends it. */
  readonly signal?: AbortSignal;
}

/** Options of `subscriptions.subscribe`. */
export interface SubscribeOptions extends ChangesOptions, DeliveryOptions {
  /**
   * Makes the subscription durable: its cursor is stored in the database under this name, and `from` applies the first
   * time only. Processes that subscribe with the same name share the work; the changes of one row are delivered in
   * order, by one of them. Each change is delivered at least once.
   */
  readonly name?: string;
  /**
   * With a name: a change whose handler has failed this many times becomes a dead letter, and later changes are
   * delivered. `Infinity`: never. Default 20, which takes about six minutes. Without a name a change is retried without
   * limit.
   */
  readonly maxAttempts?: number;
  /**
   * Called once if the subscription ends by itself, e.g. with NameForgottenError when `forget` has removed its name. The
   * error is logged as well, and `subscription.closed` rejects with it.
   */
  readonly onError?: (error: Error) => unknown;
}

/** Options of `subscriptions.subscribeBatches`. */
export interface SubscribeBatchesOptions extends SubscribeOptions {
  /** Largest number of changes in a call; fewer if no more are available. Default 100. */
  readonly batchSize?: number;
}

/** Selects dead letters of one durable name. */
export interface DeadLetterSelection {
  /** Positions of the changes. Default: all dead letters of the name. */
  readonly positions?: readonly Position[];
}

/** Selects dead letters to list. */
export interface DeadLetterListOptions extends DeadLetterSelection {
  /** The durable subscription whose dead letters are listed. Default: all. */
  readonly name?: string;
  /** Only dead letters of this table. */
  readonly table?: string | AnyTable;
  /** Only dead letters after this one: the last dead letter of the previous page. */
  readonly after?: Pick<DeadLetter, 'name' | 'position'>;
  /** Largest number to list, from 1 to 10,000. Default 1,000. */
  readonly limit?: number;
}

/** Options of `subscriptions.forget`. */
export interface ForgetOptions {
  /** Removes the name although subscriptions work under it: each ends with NameForgottenError. Default false. */
  readonly force?: boolean;
}

/** The state of the feed in this process. */
export interface FeedStats {
  /** Up to which position the log is settled, as far as this process knows. */
  readonly settled: Position;
  /** The state of the relay; undefined with `relay: false`. */
  readonly relay: { readonly state: RelayState; readonly announcements: number } | undefined;
  /** The connection that receives announcements in this process, and how often it was lost. */
  readonly listener: { readonly isConnected: boolean; readonly losses: number };
  /** The open subscriptions of this process. */
  readonly subscriptions: readonly SubscriptionStats[];
}

/** The changes of a store's tables. */
export interface Subscriptions extends AsyncDisposable {
  /**
   * Calls the handler with each change, one after the other, in the order of positions; with `concurrency`, several
   * rows' at a time. If the handler throws, the same change is delivered again after a growing wait. No change is
   * skipped silently.
   *
   * Throws TableNotRegisteredError, ConfigurationError, and what reading the context throws.
   */
  subscribe<T extends AnyTable>(
    table: T,
    handler: Handler<RecordOf<T>, ChangedKeyOf<T>>,
    options?: SubscribeOptions,
  ): Promise<Subscription>;
  /** For a table by name: keys and records are not typed. */
  subscribe(table: string, handler: Handler, options?: SubscribeOptions): Promise<Subscription>;
  /** The same with several changes per call, in order: all that are available, up to `batchSize`. */
  subscribeBatches<T extends AnyTable>(
    table: T,
    handler: BatchHandler<RecordOf<T>, ChangedKeyOf<T>>,
    options?: SubscribeBatchesOptions,
  ): Promise<Subscription>;
  /** For a table by name: keys and records are not typed. */
  subscribeBatches(table: string, handler: BatchHandler, options?: SubscribeBatchesOptions): Promise<Subscription>;
  /** The same as a loop. The next change is fetched when the loop's body has completed. */
  changes<T extends AnyTable>(table: T, options?: ChangesOptions): AsyncIterableIterator<ChangeOf<T>>;
  /** For a table by name: keys and records are not typed. */
  changes(table: string, options?: ChangesOptions): AsyncIterableIterator<Change>;
  /** A local copy of a table's records that is kept current: lists first, and then follows. */
  mirror<T extends AnyTable>(table: T, options?: MirrorOptions<RecordOf<T>>): Promise<Mirror<RecordOf<T>>>;
  /** For a table by name: records are not typed. */
  mirror(table: string, options?: MirrorOptions<Record<string, unknown>>): Promise<Mirror<Record<string, unknown>>>;
  /** Lists the durable names, sorted by name: each with its table, members, position, lag and number of dead letters. */
  list(): Promise<DurableSubscriptionInfo[]>;
  /** Returns the dead letters of a durable name, oldest first, a page at a time. */
  deadLetters(name: string, options?: Omit<DeadLetterListOptions, 'name'>): Promise<DeadLetter[]>;
  /** The same for any name: sorted by name, and oldest first within a name. */
  findDeadLetters(options?: DeadLetterListOptions): Promise<DeadLetter[]>;
  /**
   * Delivers dead letters again, within about a second, to a member of the name. A dead letter whose delivery succeeds
   * is removed. Later changes of the same row may have been delivered before. Returns the number of dead letters.
   */
  replayDeadLetters(name: string, selection?: DeadLetterSelection): Promise<number>;
  /** Deletes dead letters. Returns their number. */
  discardDeadLetters(name: string, selection?: DeadLetterSelection): Promise<number>;
  /**
   * Removes a durable name, its cursors and dead letters. Returns false if there is no such name.
   *
   * Throws NameInUseError while subscriptions of any process work under it, unless `force` is given.
   */
  forget(name: string, options?: ForgetOptions): Promise<boolean>;
  /** Returns the state of the feed in this process, without a query. */
  stats(): FeedStats;
  /** Ends all subscriptions, each after its running calls. May be called twice. */
  close(): Promise<void>;
}
