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
  /** The store whose tables get the feed: those registered now, and all registered later. */
  readonly store: AnyStore;
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
  /**
   * How changes get into the log. `triggers`: writers append them in their transactions. `replication`: the leading relay
   * reads them from the write-ahead log, which costs writers next to nothing but needs `wal_level = logical`, a replication
   * slot, and logs whole old rows. A database's first choice holds for all processes. Default `triggers`.
   */
  readonly source?: SourceKind;
  /** For `source: 'replication'`: a login with REPLICATION that owns the log. Default: the store's admin connection. */
  readonly replicationConnection?: ConnectionSource;
  /** False: this process never leads the relay. At least one process must. Default true. */
  readonly relay?: boolean;
}

/** Options of `subscriptions.changes`: which changes, and from where. */
export interface ChangesOptions extends ChangeFilter {
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

/** Options of `subscriptions.subscribe`. */
export interface SubscribeOptions extends ChangesOptions, DeliveryOptions {
  /**
   * Makes it durable: the cursor is kept in the database under this name, and `from` counts the first time only. Processes
   * that subscribe with one name share the work, each row's changes in order at one of them. At least once.
   */
  readonly name?: string;
  /**
   * With a name: a change whose handler has failed this many times becomes a dead letter, and later changes are delivered.
   * `Infinity`: never. Default 20, about six minutes. Without a name a change is retried without end.
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
  /** Changes in a call, at most; fewer when no more are there. Default 100. */
  readonly batchSize?: number;
}

/** Selects dead letters of one durable name. */
export interface DeadLetterSelection {
  /** Those of these changes. Default: all of the name's. */
  readonly positions?: readonly Position[];
}

/** Selects dead letters to list. */
export interface DeadLetterListOptions extends DeadLetterSelection {
  /** The durable subscription whose dead letters are listed. Default: all. */
  readonly name?: string;
  /** Those of this table's changes alone. */
  readonly table?: string | AnyTable;
  /** Those that follow this one: the last dead letter of the page before. */
  readonly after?: Pick<DeadLetter, 'name' | 'position'>;
  /** The most to list, from 1 to 10,000. Default 1,000. */
  readonly limit?: number;
}

/** Options of `subscriptions.forget`. */
export interface ForgetOptions {
  /** Removes the name although subscriptions work under it: each ends with NameForgottenError. Default false. */
  readonly force?: boolean;
}

/** What the feed of this process is doing. */
export interface FeedStats {
  /** How far the log is settled, as this process knows. */
  readonly settled: Position;
  /** Undefined with `relay: false`. */
  readonly relay: { readonly state: RelayState; readonly announcements: number } | undefined;
  /** The connection of this process that receives announcements, and how often it was lost. */
  readonly listener: { readonly isConnected: boolean; readonly losses: number };
  /** The open subscriptions of this process. */
  readonly subscriptions: readonly SubscriptionStats[];
}

/** The changes of a store's tables. */
export interface Subscriptions extends AsyncDisposable {
  /**
   * Calls the handler with each change, one after the other, in the order of positions; with `concurrency`, several rows'
   * at a time. If the handler throws, the same change is delivered again after a growing wait; no change is skipped silently.
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
  /** The same with several changes a call, in order: all that are there, up to `batchSize`. */
  subscribeBatches<T extends AnyTable>(
    table: T,
    handler: BatchHandler<RecordOf<T>, ChangedKeyOf<T>>,
    options?: SubscribeBatchesOptions,
  ): Promise<Subscription>;
  /** For a table by name: keys and records are not typed. */
  subscribeBatches(table: string, handler: BatchHandler, options?: SubscribeBatchesOptions): Promise<Subscription>;
  /** The same as a loop. The next change is read when the body is done with the last. */
  changes<T extends AnyTable>(table: T, options?: ChangesOptions): AsyncIterableIterator<ChangeOf<T>>;
  /** For a table by name: keys and records are not typed. */
  changes(table: string, options?: ChangesOptions): AsyncIterableIterator<Change>;
  /** A local copy of a table's records that is kept current: lists first, and then follows. */
  mirror<T extends AnyTable>(table: T, options?: MirrorOptions<RecordOf<T>>): Promise<Mirror<RecordOf<T>>>;
  /** For a table by name: records are not typed. */
  mirror(table: string, options?: MirrorOptions<Record<string, unknown>>): Promise<Mirror<Record<string, unknown>>>;
  /** The durable names in the order of names: each with its table, members, position, lag and number of dead letters. */
  list(): Promise<DurableSubscriptionInfo[]>;
  /** Returns the dead letters of a durable name, oldest first, a page at a time. */
  deadLetters(name: string, options?: Omit<DeadLetterListOptions, 'name'>): Promise<DeadLetter[]>;
  /** The same for any name: ordered by name, and oldest first within a name. */
  findDeadLetters(options?: DeadLetterListOptions): Promise<DeadLetter[]>;
  /**
   * Delivers dead letters again, within about a second, to a member of the name; a change that succeeds is no longer one
   * of them. Later changes of the same row may have been delivered before. Returns their number.
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
  /**
   * Returns the state of the feed in this process, without asking the database.
   */
  stats(): FeedStats;
  /** Ends all subscriptions, each after what is under way. May be called twice. */
  close(): Promise<void>;
}
