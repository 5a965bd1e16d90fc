import { setTimeout as delay } from 'node:timers/promises';
import type { DataStoreInternals, RegisteredTable } from '@intendant/core/internal';
import { OPERATIONS } from '../change.ts';
import { type NumberedChange, toNumberedChange } from '../log/log-entry.ts';
import { loggedName } from '../log/names.ts';
import { readLog } from '../log/read-log.ts';
import { type Announcement, readEntries } from './announcement.ts';
import type { Horizon } from './horizon.ts';
import { PageSize } from './page-size.ts';

/** A subscriber that is further behind than this reads the log itself. */
const REACH = 2_000;

/**
 * The longest pause between reads. A pause is as long as the read before it, so that a busy machine reads larger pages
 * less often.
 */
const MAX_PAUSE_MS = 20;

/** The most announcements that are kept while the changes before them are being read. */
const MAX_OFFERS = 64;

/** A range of the log, up to where it was read. */
export interface TailRange {
  readonly changes: readonly NumberedChange[];
  readonly through: number;
}

/**
 * The newest part of the log, for all subscribers of the process that keep up. Its changes come from announcements if
 * they include them, otherwise from one read for all subscribers. It contains the changes of all tenants, for the
 * tables that are followed in this process; `follow` decides what each subscriber may see.
 */
export class Tail {
  readonly #internals: DataStoreInternals;
  readonly #horizon: Horizon;
  readonly #users = new Map<string, { readonly table: RegisteredTable; count: number }>();
  readonly #pageSize = new PageSize();
  #changes: NumberedChange[] = [];
  /** Contains every change in (from, through]. */
  #from = 0;
  #through = 0;
  /** Number of tables that were added so far. */
  #joined = 0;
  #generation = 0;
  #reading: Promise<void> | undefined;
  #readAgainAt = 0;
  /** Announcements with changes that continue the read in progress, oldest first. */
  #offers: Announcement[] = [];

  constructor(internals: DataStoreInternals, horizon: Horizon) {
    this.#internals = internals;
    this.#horizon = horizon;
  }

  /** Adds these tables, until the returned function is called. */
  join(tables: readonly RegisteredTable[]): () => void {
    for (const table of tables) {
      const user = this.#users.get(table.name);
      if (user) user.count++;
      else this.#add(table);
    }
    return () => {
      for (const { name } of tables) this.#leave(name);
    };
  }

  /** The changes that were read before lack this table, so they are dropped. */
  #add(table: RegisteredTable): void {
    this.#joined++;
    this.#users.set(table.name, { table, count: 1 });
    this.#forget(this.#through);
  }

  #leave(name: string): void {
    const user = this.#users.get(name);
    if (user && --user.count === 0) this.#users.delete(name);
  }

  #forget(through: number): void {
    this.#changes = [];
    this.#from = through;
    this.#through = through;
  }

  /** Adds the changes of an announcement, now or when the changes before them have been read. */
  offer(announcement: Announcement): void {
    if (announcement.changes === undefined || this.#users.size === 0) return;
    this.#offers.push(announcement);
    if (this.#offers.length > MAX_OFFERS) this.#offers.shift();
    this.#takeOffers();
  }

  #takeOffers(): void {
    if (this.#generation !== this.#horizon.generation) this.#offers = [];
    while (this.#offers[0] && this.#offers[0].after <= this.#through) {
      const { settled, changes = '[]', logId } = this.#offers.shift() as Announcement;
      if (settled <= this.#through) continue;
      const announced = this.#announced(logId, changes);
      if (!announced) continue;
      this.#pageSize.learn({ changes: announced, trimmed: 0 });
      this.#take(announced, settled);
    }
  }

  /** Undefined if they cannot be decoded here. Reading the log then reports the reason. */
  #announced(logId: string, changes: string): NumberedChange[] | undefined {
    try {
      return this.#decode(logId, changes);
    } catch {
      return undefined;
    }
  }

  #decode(logId: string, changes: string): NumberedChange[] {
    if (changes === '[]') return [];
    const tables = new Map([...this.#users.values()].map(({ table }) => [loggedName(table), table]));
    return readEntries(changes).flatMap((entry) => {
      const table = entry.sequence > this.#through ? tables.get(entry.tableName) : undefined;
      return table ? [toNumberedChange(logId, table, entry)] : [];
    });
  }

  /** Returns the range after a place if it is in memory. */
  held(position: number): TailRange | undefined {
    const isHeld = this.#generation === this.#horizon.generation && this.#from <= position && position < this.#through;
    return isHeld ? this.#range(position) : undefined;
  }

  /** Returns the range after a place; undefined if that is too far back. Rejects if the log cannot be read. */
  async after(position: number): Promise<TailRange | undefined> {
    for (;;) {
      const held = this.held(position);
      if (held) return held;
      const { generation, settled } = this.#horizon;
      if (settled - position > REACH || (position < this.#from && this.#generation === generation)) return undefined;
      if (settled <= position) return { changes: [], through: position };
      this.#reading ??= this.#readInTurn(position).finally(() => {
        this.#reading = undefined;
      });
      await this.#reading;
    }
  }

  /** Subscribers that keep up ask for the newest changes, so the search starts at the end. */
  #range(position: number): TailRange {
    const last = this.#changes.findLastIndex(({ sequence }) => sequence <= position);
    return { changes: this.#changes.slice(last + 1), through: this.#through };
  }

  async #readInTurn(position: number): Promise<void> {
    const pauseMs = this.#readAgainAt - performance.now();
    if (pauseMs >= 1) await delay(pauseMs);
    const began = performance.now();
    await this.#read(position);
    const ended = performance.now();
    this.#readAgainAt = ended + Math.min(ended - began, MAX_PAUSE_MS);
  }

  async #read(position: number): Promise<void> {
    const { generation, settled, logId, timeline } = this.#horizon;
    if (generation !== this.#generation || position > this.#through) this.#forget(position);
    this.#generation = generation;
    const tables = [...this.#users.values()].map(({ table }) => table);
    const [after, joined] = [this.#through, this.#joined];
    const { limit } = this.#pageSize;
    const view = { tables, operations: OPERATIONS, scope: undefined };
    const page = await readLog(this.#internals, { logId, timeline }, view, { after, until: settled, limit });
    this.#pageSize.learn(page);
    if (joined !== this.#joined || generation !== this.#horizon.generation || this.#through !== after) return;
    if (page.trimmed > after) this.#forget(page.trimmed);
    else this.#take(page.changes, page.changes.length < limit ? settled : undefined);
    this.#takeOffers();
  }

  /** Keeps two pages, for those that keep up but are slower. */
  #take(changes: readonly NumberedChange[], through: number | undefined): void {
    this.#changes.push(...changes);
    this.#through = through ?? (changes.at(-1) as NumberedChange).sequence;
    const excess = this.#changes.length - 2 * this.#pageSize.limit;
    if (excess <= 0) return;
    this.#from = (this.#changes[excess - 1] as NumberedChange).sequence;
    this.#changes = this.#changes.slice(excess);
  }
}
