import type { AnyTable, ConnectionSource, DataStore, RecordOf } from '@intendant/core';
import type { Logger } from 'pino';
import type { Change, Operation } from './change.ts';
import type { DeliveryOptions } from './delivery/delivery-options.ts';
import type { BatchHandler, Handler } from './delivery/handler.ts';
import type { DeadLetter } from './durable/dead-letters.ts';
import type { SourceKind } from './log/change-log-part.ts';
import type { Mirror, MirrorOptions } from './mirror/mirror.ts';
import type { Position } from './position.ts';
import { PostgresSubscriptions } from './postgres-subscriptions.ts';
import type { RelayState } from './relay/relay.ts';
import type { Subscription, SubscriptionStats } from './subscription.ts';

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

export interface SubscribeOptions extends ChangesOptions, DeliveryOptions {
  /**
   * Makes it durable: the cursor is kept in the database under this name, and `from` counts the first time only. Processes
   * that subscribe with one name share the work, each row's changes in order at one of them. At least once.
   */
  readonly name?: string;
  /**
   * With a name: a change whose handler has failed so often is put aside as a dead letter, and the next one's turn comes.
   * `Infinity`: never. Default 20, about six minutes. Without a name a change is tried for ever.
   */
  readonly maxAttempts?: number;
}

export interface SubscribeBatchesOptions extends SubscribeOptions {
  /** Changes in a call, at most; fewer when no more are there. Default 100. */
  readonly batchSize?: number;
}

export interface DeadLetterSelection {
  /** Default: all of the name's. */
  readonly positions?: readonly Position[];
}

/** What the feed of this process is doing. */
export interface FeedStats {
  /** How far the log is settled, as this process knows. */
  readonly settled: Position;
  /** Undefined with `relay: false`. */
  readonly relay: { readonly state: RelayState; readonly announcements: number } | undefined;
  readonly listener: { readonly isConnected: boolean; readonly losses: number };
  readonly subscriptions: readonly SubscriptionStats[];
}

/** The changes of a store's tables. */
export interface Subscriptions extends AsyncDisposable {
  /**
   * Calls the handler with each change, one after the other, in the order of positions; with `concurrency`, several rows'
   * at a time. A handler that throws is handed the same change again, ever slower; nothing is skipped silently.
   *
   * Throws TableNotRegisteredError, ConfigurationError, and what reading the context throws.
   */
  subscribe<T extends AnyTable>(
    table: T,
    handler: Handler<RecordOf<T>>,
    options?: SubscribeOptions,
  ): Promise<Subscription>;
  subscribe(table: string, handler: Handler, options?: SubscribeOptions): Promise<Subscription>;
  /** The same with several changes a call, in order: all that are there, up to `batchSize`. */
  subscribeBatches<T extends AnyTable>(
    table: T,
    handler: BatchHandler<RecordOf<T>>,
    options?: SubscribeBatchesOptions,
  ): Promise<Subscription>;
  subscribeBatches(table: string, handler: BatchHandler, options?: SubscribeBatchesOptions): Promise<Subscription>;
  /** The same as a loop. The next change is read when the body is done with the last. */
  changes<T extends AnyTable>(table: T, options?: ChangesOptions): AsyncIterableIterator<Change<RecordOf<T>>>;
  changes(table: string, options?: ChangesOptions): AsyncIterableIterator<Change>;
  /** A local copy of a table's records that is kept current: lists first, and then follows. */
  mirror<T extends AnyTable>(table: T, options?: MirrorOptions<RecordOf<T>>): Promise<Mirror<RecordOf<T>>>;
  mirror(table: string, options?: MirrorOptions<Record<string, unknown>>): Promise<Mirror<Record<string, unknown>>>;
  /** What a durable name has put aside, oldest first. At most `limit`, default 1,000. */
  deadLetters(name: string, options?: { readonly limit?: number }): Promise<DeadLetter[]>;
  /**
   * Has dead letters handed over again, within about a second, by whoever works under the name; what succeeds is one no
   * longer. Later changes of the same row may have been handed over before. Answers how many.
   */
  replayDeadLetters(name: string, selection?: DeadLetterSelection): Promise<number>;
  /** Throws dead letters away. Answers how many. */
  discardDeadLetters(name: string, selection?: DeadLetterSelection): Promise<number>;
  /** Removes a durable name, its cursors and dead letters. Nobody must work under it. Whether there was one. */
  forget(name: string): Promise<boolean>;
  stats(): FeedStats;
  /** Ends all subscriptions, each after what is under way. May be called twice. */
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
