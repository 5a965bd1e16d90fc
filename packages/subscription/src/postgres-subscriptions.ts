import { type AnyTable, ConfigurationError } from '@intendant/core';
import { abortable, checkOptions, type DataStoreInternals, translateError } from '@intendant/core/internal';
import { readOperations } from './change.ts';
import { type GivenLimits, readLimits } from './delivery/delivery-options.ts';
import { EphemeralSubscription, type SubscriptionParts } from './delivery/ephemeral-subscription.ts';
import { type BatchHandler, checkHandler, type Handler } from './delivery/handler.ts';
import type { DeadLetter } from './durable/dead-letters.ts';
import { checkName, claimName } from './durable/durable-name.ts';
import { DurableNames } from './durable/durable-names.ts';
import { DurableSubscription } from './durable/durable-subscription.ts';
import type { DurableSubscriptionInfo } from './durable/durable-subscription-info.ts';
import { Membership } from './durable/membership.ts';
import { carriesRecord } from './log/carries-record.ts';
import { changeLogPart } from './log/change-log-part.ts';
import { feedEnded, isFed } from './log/feed-end.ts';
import type { LogView } from './log/read-log.ts';
import type { Mirror, MirrorOptions } from './mirror/mirror.ts';
import type { AnyRecord } from './mirror/mirror-copy.ts';
import { openMirror } from './mirror/open-mirror.ts';
import { CHANGES_OPTIONS, MIRROR_OPTIONS, SUBSCRIBE_BATCHES_OPTIONS, SUBSCRIBE_OPTIONS } from './option-names.ts';
import { formatPosition } from './position.ts';
import { Announcements } from './relay/announcements.ts';
import { awaitRelay } from './relay/await-relay.ts';
import { readChannel } from './relay/check-log.ts';
import { refusePooler } from './relay/refuse-pooler.ts';
import { Relay } from './relay/relay.ts';
import { catchUp } from './replication/catch-up.ts';
import { checkNodes } from './replication/nodes/check-nodes.ts';
import { openReader } from './replication/open-reader.ts';
import { actAsService } from './service-query.ts';
import { AnnouncementReceiver } from './source/announcement-receiver.ts';
import { needsRecord, readFilter } from './source/change-filter.ts';
import { changesOf } from './source/changes-of.ts';
import { fedTable } from './source/fed-table.ts';
import type { Feed } from './source/feed.ts';
import { follow } from './source/follow.ts';
import { Horizon } from './source/horizon.ts';
import { mayFollow } from './source/may-follow.ts';
import { ReadHealth } from './source/read-health.ts';
import { onSettledChanges } from './source/settled-changes.ts';
import { startPlace } from './source/start-place.ts';
import { Tail } from './source/tail.ts';
import type { Subscription } from './subscription.ts';
import type {
  ChangesOptions,
  DeadLetterListOptions,
  DeadLetterSelection,
  FeedStats,
  ForgetOptions,
  SubscribeBatchesOptions,
  SubscribeOptions,
  Subscriptions,
  SubscriptionsOptions,
} from './subscriptions.ts';
import { exposeSubscriptions } from './subscriptions-internals.ts';
import { readSettings, type SubscriptionsSettings } from './subscriptions-settings.ts';

const BEGIN_MS = 5_000;
const BATCH_SIZE = 100;

export class PostgresSubscriptions implements Subscriptions {
  readonly #settings: SubscriptionsSettings;
  readonly #horizon = new Horizon();
  readonly #receiver: AnnouncementReceiver;
  readonly #announcements: Announcements;
  readonly #membership: Membership;
  readonly #names: DurableNames;
  readonly #relay: Relay | undefined;
  readonly #open = new Set<Subscription>();
  readonly #closing = new AbortController();
  readonly #feed: Feed;
  #closed: Promise<void> | undefined;

  constructor(options: SubscriptionsOptions) {
    this.#settings = readSettings(options);
    const { internals, connection, logger, source, mayLead } = this.#settings;
    this.#feed = {
      internals,
      horizon: this.#horizon,
      tail: new Tail(internals, this.#horizon),
      health: new ReadHealth(logger),
      logger,
      source,
      catchUp: source === 'replication' ? () => catchUp(internals) : undefined,
    };
    this.#receiver = new AnnouncementReceiver(this.#horizon, this.#feed.tail);
    this.#announcements = new Announcements({
      connection,
      logger,
      readChannel: () => readChannel(internals),
      ...this.#receiver.openSource(),
    });
    this.#membership = new Membership(connection, actAsService(internals), logger);
    this.#names = new DurableNames(internals, this.#horizon);
    if (mayLead) this.#relay = this.#makeRelay();
  }

  get #internals(): DataStoreInternals {
    return this.#settings.internals;
  }

  #makeRelay(): Relay {
    return new Relay({
      ...this.#settings,
      setUp: actAsService(this.#internals),
      onAnnouncement: this.#receiver.openSource().announced,
      openReader: this.#settings.source === 'replication' ? (events) => openReader(this.#settings, events) : undefined,
    });
  }

  async open(): Promise<void> {
    await checkNodes(this.#settings);
    this.#internals.addSchemaPart(changeLogPart(this.#settings));
    await this.#internals.applySchema();
    this.#internals.onClose(() => this.close());
    exposeSubscriptions(this, {
      connection: this.#settings.connection,
      onSettledChanges: (names, listener) => onSettledChanges(this.#feed, names, listener, this.#closing.signal),
      begin: (table, options) => this.#begin(table, options),
      follow: (view, from, signal) => follow(this.#feed, view, from, AbortSignal.any([signal, this.#closing.signal])),
      watchContext: (context) => this.#internals.watchContext(context),
      mayFollow: (view, context) => mayFollow(this.#internals, view, context),
      isClosed: () => this.#closing.signal.aborted,
      positionOf: (sequence) => formatPosition(this.#horizon.logId, sequence),
    });
    try {
      this.#checkOpen('createSubscriptions');
      await Promise.all([refusePooler(this.#settings.connection), this.#announcements.start()]);
      this.#checkOpen('createSubscriptions');
      this.#relay?.start();
      await awaitRelay(this.#horizon, this.#relay);
    } catch (error) {
      await this.close();
      throw translateError(error, { operation: 'createSubscriptions' });
    }
  }

  async subscribe(
    table: string | AnyTable,
    handler: Handler<never>,
    options: SubscribeOptions = {},
  ): Promise<Subscription> {
    const one = handler as Handler;
    checkHandler(handler);
    checkOptions('subscribe', options, SUBSCRIBE_OPTIONS);
    return this.#openSubscription(table, ([change], context) => one(change as never, context), options, {
      ...options,
      batchSize: 1,
    });
  }

  async subscribeBatches(
    table: string | AnyTable,
    handler: BatchHandler<never>,
    options: SubscribeBatchesOptions = {},
  ): Promise<Subscription> {
    checkHandler(handler);
    checkOptions('subscribeBatches', options, SUBSCRIBE_BATCHES_OPTIONS);
    return this.#openSubscription(table, handler as BatchHandler, options, { batchSize: BATCH_SIZE, ...options });
  }

  async #openSubscription(
    table: string | AnyTable,
    handler: BatchHandler,
    options: SubscribeOptions,
    given: GivenLimits,
  ): Promise<Subscription> {
    const limits = readLimits(given);
    if (options.name !== undefined) checkName('subscribe', options.name);
    const { view, from } = await this.#begin(table, options);
    this.#checkOpen('subscribe');
    const close = () => void subscription.close();
    const onClosed = () => {
      this.#open.delete(subscription);
      options.signal?.removeEventListener('abort', close);
    };
    const { onReset, onError } = options;
    const parts = { feed: this.#feed, view, from, handler, limits, onReset, onError, onClosed };
    const subscription: Subscription =
      options.name === undefined ? new EphemeralSubscription(parts) : await this.#openDurable(options.name, parts);
    this.#open.add(subscription);
    options.signal?.addEventListener('abort', close, { once: true });
    if (options.signal?.aborted || this.#closing.signal.aborted) await subscription.close();
    return subscription;
  }

  async #openDurable(name: string, parts: SubscriptionParts): Promise<Subscription> {
    const [table] = parts.view.tables;
    if (!table) throw new TypeError('a durable subscription without a table');
    const durable = { name, table, scope: parts.view.scope };
    await claimName(this.#internals, durable, parts.from);
    this.#checkOpen('subscribe');
    const subscription = new DurableSubscription({ ...parts, durable, membership: this.#membership });
    const waited = AbortSignal.any([this.#closing.signal, AbortSignal.timeout(BEGIN_MS)]);
    await abortable(subscription.began, waited).catch((error) => {
      if (!waited.aborted) throw error;
    });
    return subscription;
  }

  changes(tableOrName: string | AnyTable, options: ChangesOptions = {}): AsyncIterableIterator<never> {
    const begin = async () => {
      checkOptions('changes', options, CHANGES_OPTIONS);
      return this.#begin(tableOrName, options);
    };
    const signal = AbortSignal.any([this.#closing.signal, ...(options.signal ? [options.signal] : [])]);
    return changesOf(() => this.#feed, begin, options, signal) as AsyncIterableIterator<never>;
  }

  async mirror(table: string | AnyTable, options: MirrorOptions<never> = {}): Promise<Mirror<never>> {
    checkOptions('mirror', options, MIRROR_OPTIONS);
    const given = options as MirrorOptions<AnyRecord>;
    return (await openMirror(this.#internals, this, this.#settings.logger, table, given)) as Mirror<never>;
  }

  async #begin(tableOrName: string | AnyTable, options: ChangesOptions): Promise<{ view: LogView; from: number }> {
    this.#checkOpen('subscribe');
    const table = fedTable(this.#internals, tableOrName);
    const { from = 'now' } = options;
    const operations = readOperations(options.operations);
    const scope = options.as === undefined ? undefined : this.#internals.scopeOf(options.as, [table]);
    const matches = readFilter(table, scope, options);
    if (needsRecord(table, options) && !(await carriesRecord(this.#settings, table)))
      throw new ConfigurationError(
        `subscribe: \`where\` compares fields that changes of ${table.name} do not contain; name the table in \`records\` of createSubscriptions`,
      );
    const { sequence, generation } = await startPlace(this.#feed, from);
    // Only now: if the table is taken out of the feed later, the entry that says so comes after this place.
    if (!(await isFed(this.#internals, this.#settings.source, table))) throw feedEnded(table.name);
    return { view: { tables: [table], operations, scope, matches, generation }, from: sequence };
  }

  async list(): Promise<DurableSubscriptionInfo[]> {
    this.#checkOpen('list');
    return this.#names.list();
  }

  async deadLetters(name: string, options: DeadLetterListOptions = {}): Promise<DeadLetter[]> {
    checkName('deadLetters', name);
    return this.findDeadLetters({ ...options, name });
  }

  async findDeadLetters(options: DeadLetterListOptions = {}): Promise<DeadLetter[]> {
    this.#checkOpen('deadLetters');
    return this.#names.deadLetters(options);
  }

  async replayDeadLetters(name: string, selection: DeadLetterSelection = {}): Promise<number> {
    this.#checkOpen('replayDeadLetters');
    const count = await this.#names.replayDeadLetters(name, selection);
    this.#membership.checkNow();
    return count;
  }

  async discardDeadLetters(name: string, selection: DeadLetterSelection = {}): Promise<number> {
    this.#checkOpen('discardDeadLetters');
    return this.#names.discardDeadLetters(name, selection);
  }

  async forget(name: string, options: ForgetOptions = {}): Promise<boolean> {
    this.#checkOpen('forget');
    const isForgotten = await this.#names.forget(name, options);
    this.#membership.checkNow();
    return isForgotten;
  }

  #checkOpen(operation: string): void {
    if (!this.#closing.signal.aborted) return;
    throw new ConfigurationError(`${operation}: these subscriptions are closed; open others with createSubscriptions`);
  }

  stats(): FeedStats {
    const relay = this.#relay && { state: this.#relay.state, announcements: this.#relay.announcements };
    const { isConnected, losses } = this.#announcements;
    return {
      settled: formatPosition(this.#horizon.logId, Math.max(0, this.#horizon.settled)),
      relay,
      listener: { isConnected, losses },
      subscriptions: [...this.#open].map((subscription) => subscription.stats()),
    };
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#closing.abort();
    await Promise.all([...this.#open].map((subscription) => subscription.close()));
    await this.#membership.stop();
    await this.#relay?.stop();
    await this.#announcements.stop();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
