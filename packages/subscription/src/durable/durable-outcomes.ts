import type { Transaction } from '@intendant/core';
import type { OutcomeStore } from '../delivery/delivery.ts';
import type { DeliveryItem } from '../delivery/delivery-item.ts';
import type { Share } from '../delivery/share.ts';
import type { Feed } from '../source/feed.ts';
import { acknowledge, isAcknowledged } from './acknowledgement.ts';
import { dropDeadLetter, parkDeadLetter, parkUndecoded, readDueLetters } from './dead-letters.ts';
import type { DurableName } from './durable-name.ts';

/** Stores acknowledgements and dead letters of one durable name, and tracks which dead letters are being retried. */
export class DurableOutcomes implements OutcomeStore {
  readonly #feed: Feed;
  readonly #durable: DurableName;
  /** Called when another member owns the change. */
  readonly #onLost: () => void;
  readonly #retried = new Map<number, Share>();

  constructor(feed: Feed, durable: DurableName, onLost: () => void) {
    this.#feed = feed;
    this.#durable = durable;
    this.#onLost = onLost;
  }

  acknowledge(tx: Transaction, items: readonly DeliveryItem[]): Promise<void> {
    return acknowledge(tx, this.#durable.name, items);
  }

  isAcknowledged(item: DeliveryItem): Promise<boolean> {
    return isAcknowledged(this.#feed.internals, this.#durable.name, item);
  }

  async noteDone({ numbered: { sequence } }: DeliveryItem): Promise<void> {
    await dropDeadLetter(this.#feed.internals, this.#durable.name, sequence);
    this.#retried.delete(sequence);
  }

  async park(item: DeliveryItem, error: unknown, attempts: number): Promise<boolean> {
    const isParked = await parkDeadLetter(this.#feed.internals, this.#durable.name, item, error, attempts);
    this.#retried.delete(item.numbered.sequence);
    if (!isParked) this.#onLost();
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
      if (numbered.flaw !== undefined) {
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
