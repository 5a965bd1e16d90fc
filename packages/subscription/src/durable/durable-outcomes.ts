import type { Transaction } from '@intendant/core';
import type { OutcomeStore } from '../delivery/delivery.ts';
import type { DeliveryItem } from '../delivery/delivery-item.ts';
import type { Share } from '../delivery/share.ts';
import type { LogVersion } from '../log/timeline.ts';
import type { Feed } from '../source/feed.ts';
import { acknowledge, isAcknowledged } from './acknowledgement.ts';
import { dropDeadLetter, parkDeadLetter, parkUndecoded, readDueLetters } from './dead-letters.ts';
import type { DurableName } from './durable-name.ts';

/** To which log the changes of this member belong, and what happens when it loses one. */
export interface Ownership {
  /** Undefined if the log was replaced: results of its changes are not stored. */
  readonly log: () => LogVersion | undefined;
  /** Called when another member owns the change. */
  readonly onLost: () => void;
}

/** Stores acknowledgements and dead letters of one durable name, and tracks which dead letters are being retried. */
export class DurableOutcomes implements OutcomeStore {
  readonly #feed: Feed;
  readonly #durable: DurableName;
  readonly #ownership: Ownership;
  readonly #retried = new Map<number, Share>();

  constructor(feed: Feed, durable: DurableName, ownership: Ownership) {
    this.#feed = feed;
    this.#durable = durable;
    this.#ownership = ownership;
  }

  acknowledge(tx: Transaction, items: readonly DeliveryItem[]): Promise<void> {
    return acknowledge(tx, { name: this.#durable.name, log: this.#ownership.log() }, items);
  }

  isAcknowledged(item: DeliveryItem): Promise<boolean> {
    return isAcknowledged(this.#feed.internals, this.#durable.name, item);
  }

  async noteDone({ numbered: { sequence } }: DeliveryItem): Promise<void> {
    await dropDeadLetter(this.#feed.internals, this.#durable.name, sequence);
    this.#retried.delete(sequence);
  }

  async park(item: DeliveryItem, error: unknown, attempts: number): Promise<boolean> {
    const name = { name: this.#durable.name, log: this.#ownership.log() };
    const isParked = await parkDeadLetter(this.#feed.internals, name, item, error, attempts);
    this.#retried.delete(item.numbered.sequence);
    if (!isParked) this.#ownership.onLost();
    return isParked;
  }

  /** Returns the dead letters of these shares that are to be retried and are not being retried already. */
  async takeDue(shares: ReadonlyMap<number, Share>): Promise<DeliveryItem[]> {
    const { internals, horizon } = this.#feed;
    const { name, table } = this.#durable;
    const items: DeliveryItem[] = [];
    for (const { slot, numbered } of await readDueLetters(internals, horizon.logId, name, table, [...shares.keys()])) {
      const share = shares.get(slot);
      if (!share || this.#retried.get(numbered.sequence)?.isHeld) continue;
      if (numbered.decodeError !== undefined) {
        await parkUndecoded(internals, name, numbered.sequence);
        continue;
      }
      this.#retried.set(numbered.sequence, share);
      items.push({ numbered, share, isDeadLetter: true });
    }
    return items;
  }

  /** Forgets which dead letters are being retried, because their slots are lost. */
  clear(): void {
    this.#retried.clear();
  }
}
