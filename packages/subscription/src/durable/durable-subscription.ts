import { setMaxListeners } from 'node:events';
import { NameForgottenError } from '@intendant/core';
import type { ClientBase } from 'pg';
import { Delivery } from '../delivery/delivery.ts';
import type { SubscriptionParts } from '../delivery/ephemeral-subscription.ts';
import { countLag } from '../delivery/lag.ts';
import { Reading } from '../delivery/reading.ts';
import type { Share } from '../delivery/share.ts';
import { SubscriptionEnd } from '../delivery/subscription-end.ts';
import { SLOTS, slotOf } from '../log/slot.ts';
import { formatPosition, type Position } from '../position.ts';
import type { Subscription, SubscriptionStats } from '../subscription.ts';
import { forgetAcknowledged, readAcknowledged } from './acknowledgement.ts';
import { CursorKeeper } from './cursor-keeper.ts';
import type { DurableName } from './durable-name.ts';
import { DurableOutcomes } from './durable-outcomes.ts';
import { balanceSlots } from './fair-share.ts';
import type { MemberSubscription, Membership } from './membership.ts';
import { returnToCursors } from './return-to-cursors.ts';
import { claimSlots, freeSlots, keepCursors, type NameSituation, readCursors, releaseSlots } from './slots.ts';

export interface DurableParts extends SubscriptionParts {
  readonly durable: DurableName;
  readonly membership: Membership;
}

const FORGET_EVERY_MS = 30_000;
/**
 * How long to wait for a running handler that lost its slot, before its change may be delivered in this process again,
 * in milliseconds.
 */
const ABANDON_MS = 10_000;

/** Handles the changes of its share of a name's slots, each slot from its stored cursor. */
export class DurableSubscription implements Subscription, MemberSubscription {
  readonly #parts: DurableParts;
  readonly #closing = new AbortController();
  readonly #outcomes: DurableOutcomes;
  readonly #delivery: Delivery;
  readonly #reading: Reading;
  readonly #keeper: CursorKeeper;
  readonly #shares = new Map<number, Share>();
  /** Numbers beyond the stored cursors that were acknowledged when the slots were claimed. */
  readonly #acknowledged = new Set<number>();
  /** Slots that are being released and still have running calls. */
  readonly #retiring = new Set<number>();
  readonly #running: Promise<void>;
  readonly #began = Promise.withResolvers<void>();
  readonly #end: SubscriptionEnd;
  /** Aborts when the shares change. */
  #restart = new AbortController();
  #shutDown: Promise<void> | undefined;
  #forgetAt = 0;
  #lastPlace: number;
  #isPaused = false;
  #keeping: Promise<void> = Promise.resolve();

  constructor(parts: DurableParts) {
    const { feed, view, handler, limits, onReset, onError, from } = parts;
    this.#parts = parts;
    this.#end = new SubscriptionEnd(feed.logger, onError);
    this.#began.promise.catch(() => {});
    setMaxListeners(0, this.#closing.signal); // Every call that waits for its retry adds a listener.
    this.#lastPlace = from;
    this.#outcomes = new DurableOutcomes(feed, parts.durable, {
      log: () => this.#reading.log,
      onLost: () => parts.membership.checkNow(),
    });
    this.#delivery = new Delivery({
      handler,
      subject: { table: view.tables.map(({ name }) => name).join(','), name: parts.durable.name },
      limits,
      logger: feed.logger,
      closing: this.#closing.signal,
      onProgress: () => this.#keeper.touch(),
      outcomes: this.#outcomes,
    });
    this.#reading = new Reading({
      feed,
      delivery: this.#delivery,
      onReset,
      onRead: () => this.#keeper.touchQuietly(),
      onReplaced: () => returnToCursors(feed, this.name, [...this.#shares.values()], this.#acknowledged),
      generation: view.generation,
    });
    this.#keeper = new CursorKeeper(() => this.#keep(), feed.logger);
    void this.#keeper.start();
    this.#running = this.#run(view).catch((error) => void this.#fail(error));
    parts.membership.add(this);
  }

  get name(): string {
    return this.#parts.durable.name;
  }

  /** Resolves when it has checked for work once, and claimed the free slots. Rejects if it ends before that. */
  get began(): Promise<void> {
    return this.#began.promise;
  }

  get error(): Error | undefined {
    return this.#end.error;
  }

  get closed(): Promise<void> {
    return this.#end.closed;
  }

  get position(): Position {
    return formatPosition(this.#parts.feed.horizon.logId, this.#place());
  }

  #place(): number {
    const places = [...this.#shares.values()].map(({ progress }) => progress.place);
    return places.length === 0 ? this.#lastPlace : Math.min(...places);
  }

  async lag(): Promise<number> {
    const { feed, view } = this.#parts;
    this.#end.check();
    await this.#keep();
    return countLag(feed.internals, view, await readCursors(feed.internals, { name: this.name, log: undefined }));
  }

  pause(): void {
    this.#isPaused = true;
    this.#reading.pause();
  }

  resume(): void {
    this.#isPaused = false;
    this.#reading.resume();
  }

  stats(): SubscriptionStats {
    return {
      table: this.#parts.durable.table.name,
      name: this.name,
      position: this.position,
      ...this.#delivery.counts,
      buffered: this.#delivery.buffered,
      isPaused: this.#isPaused,
      slots: this.#shares.size,
    };
  }

  /** Writes run one after the other, so that an older place never replaces a newer one. */
  #keep(): Promise<void> {
    const write = async () => {
      const { log } = this.#reading;
      if (log && this.#shares.size > 0)
        await keepCursors(this.#parts.feed.internals, { name: this.name, log }, [...this.#shares.values()]);
    };
    const kept = this.#keeping.then(write, write);
    this.#keeping = kept.catch(() => {});
    return kept;
  }

  /** Reads for the slots that it owns. Starts again whenever they change. */
  async #run(view: DurableParts['view']): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      this.#restart = new AbortController();
      const shares = [...this.#shares.values()];
      const until = AbortSignal.any([signal, this.#restart.signal]);
      if (shares.length === 0) await aborted(until);
      else {
        const slots = shares.length === SLOTS ? undefined : shares.map(({ slot }) => slot);
        await this.#reading.run({ ...view, slots }, shares, (numbered) => this.#shareOf(numbered), until);
      }
    }
  }

  #shareOf({ identity, sequence }: { identity: string; sequence: number }): Share | undefined {
    return this.#acknowledged.has(sequence) ? undefined : this.#shares.get(slotOf(identity));
  }

  async reconcile(situation: NameSituation, client: ClientBase): Promise<void> {
    if (this.#closing.signal.aborted) return;
    this.#dropLostSlots(situation);
    await this.#freeForgotten(situation, client);
    const { take, give } = balanceSlots(situation.members, this.#shares.size, situation.free);
    if (take > 0) await this.#claim(client, situation.member, take);
    if (give > 0) this.#releaseSome(give);
    if (situation.hasDueLetters) this.#delivery.accept(await this.#outcomes.takeDue(this.#shares));
    if (performance.now() >= this.#forgetAt) {
      this.#forgetAt = performance.now() + FORGET_EVERY_MS;
      await forgetAcknowledged(this.#parts.feed.internals, this.name);
    }
    this.#began.resolve();
  }

  /** Stops work on slots that another member owns by now. */
  #dropLostSlots({ slots, epochs }: NameSituation): void {
    const epochOf = new Map(slots.map((slot, index) => [slot, epochs[index]]));
    const taken = [...this.#shares.values()].filter(({ slot, epoch }) => epochOf.get(slot) !== epoch);
    for (const share of taken) {
      share.lose();
      this.#forget(share);
    }
    if (taken.length > 0) this.#restart.abort();
  }

  /** Releases slots whose release failed earlier. */
  async #freeForgotten({ slots, member }: NameSituation, client: ClientBase): Promise<void> {
    const forgotten = slots.filter((slot) => !this.#shares.has(slot) && !this.#retiring.has(slot));
    if (forgotten.length > 0) await freeSlots(client, this.name, member, forgotten);
  }

  #forget(share: Share): void {
    this.#shares.delete(share.slot);
    this.#lastPlace = share.progress.place;
  }

  async #claim(client: ClientBase, member: number, most: number): Promise<void> {
    const { feed } = this.#parts;
    const { log } = this.#reading;
    const { logId, timeline } = feed.horizon;
    const shares = await claimSlots(client, { name: this.name, log: log ?? { logId, timeline } }, member, most);
    for (const sequence of await readAcknowledged(feed.internals, this.name, shares)) this.#acknowledged.add(sequence);
    for (const share of shares) this.#shares.set(share.slot, share);
    if (shares.length > 0) this.#restart.abort();
  }

  #releaseSome(count: number): void {
    for (const share of [...this.#shares.values()].slice(-count)) void this.#giveBack(share);
    this.#restart.abort();
  }

  /** Starts no further change of the slot, waits for running calls, and releases the slot. */
  async #giveBack(share: Share): Promise<void> {
    this.#forget(share);
    this.#retiring.add(share.slot);
    await share.retire();
    await this.#release([share]).catch((error) =>
      this.#parts.feed.logger.debug({ err: error }, 'a slot could not be released yet; trying again'),
    );
    this.#retiring.delete(share.slot);
  }

  async #release(shares: readonly Share[]): Promise<void> {
    const { log } = this.#reading;
    if (log && shares.length > 0) await releaseSlots(this.#parts.feed.internals, { name: this.name, log }, shares);
  }

  async abandon(): Promise<void> {
    for (const share of [...this.#shares.values()]) {
      share.lose();
      this.#forget(share);
    }
    this.#delivery.clear();
    this.#outcomes.clear();
    this.#acknowledged.clear();
    this.#restart.abort();
    await this.#delivery.idleWithin(ABANDON_MS);
  }

  noteForgotten(): void {
    const { name, position } = this;
    const error = new NameForgottenError(
      `the durable subscription ${JSON.stringify(name)} was removed with forget() while this subscription was running; it has ended, and changes after ${position} are not handled under this name`,
      { details: { name, table: this.#parts.durable.table.name, position } },
    );
    if (this.#fail(error)) for (const share of this.#shares.values()) share.lose();
  }

  /** Returns false if it had already failed. */
  #fail(error: Error): boolean {
    if (!this.#end.fail(error)) return false;
    this.#began.reject(error);
    void this.close();
    return true;
  }

  close(): Promise<void> {
    this.#shutDown ??= this.#close();
    return this.#shutDown;
  }

  async #close(): Promise<void> {
    this.#closing.abort();
    await this.#running;
    await this.#delivery.end();
    await this.#keeper.stop();
    const shares = [...this.#shares.values()];
    this.#lastPlace = this.#place();
    await this.#release(shares).catch(() => {}); // They are free when this member's connection has ended.
    this.#shares.clear();
    await this.#parts.membership.remove(this);
    this.#parts.onClosed();
    this.#end.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
