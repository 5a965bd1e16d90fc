import { setTimeout as delay } from 'node:timers/promises';
import type { DataStoreInternals, RegisteredTable } from '@intendant/core/internal';
import { OPERATIONS } from '../change.ts';
import { type NumberedChange, toNumberedChange } from '../log/log-entry.ts';
import { loggedName } from '../log/names.ts';
import { readLog } from '../log/read-log.ts';
import { type Announcement, readEntries } from './announcement.ts';
import type { Horizon } from './horizon.ts';
import { PageSize } from './page-size.ts';

/** Further behind than this, a subscriber reads for itself. */
const REACH = 2_000;

/** Reads are apart by as long as one takes, up to this: where the processors are short, larger pages less often. */
const MOST_PAUSE_MS = 20;

/** Announcements kept while a read is under way that they follow on. */
const MOST_OFFERS = 64;

/** A stretch of the log, up to where it was read. */
export interface TailStretch {
  readonly changes: readonly NumberedChange[];
  readonly through: number;
}

/**
 * The newest end of the log, for all subscribers of the process that keep up: taken from announcements where they carry
 * the changes, and read once for all where they do not. It holds the changes of all
 * tenants, of the tables anybody here follows: those it may not show to everyone who asks, see `follow`.
 */
export class Tail {
  readonly #internals: DataStoreInternals;
  readonly #horizon: Horizon;
  readonly #users = new Map<string, { readonly table: RegisteredTable; count: number }>();
  readonly #pageSize = new PageSize();
  #changes: NumberedChange[] = [];
  /** Holds everything in (from, through]. */
  #from = 0;
  #through = 0;
  /** Counts the tables that joined. */
  #joined = 0;
  #generation = 0;
  #reading: Promise<void> | undefined;
  #readAgainAt = 0;
  /** Announcements with changes that follow on what a read under way will find, oldest first. */
  #offers: Announcement[] = [];

  constructor(internals: DataStoreInternals, horizon: Horizon) {
    this.#internals = internals;
    this.#horizon = horizon;
  }

  /** Reads these tables too, until the returned function is called. */
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

  /** What was read before lacks the table: it is forgotten. */
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

  /** Takes the changes that an announcement carries, now or when what comes before them was read. */
  offer(announcement: Announcement): void {
    if (announcement.changes === undefined || this.#users.size === 0) return;
    this.#offers.push(announcement);
    if (this.#offers.length > MOST_OFFERS) this.#offers.shift();
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

  /** Undefined if they cannot be read here: reading the log then gives the reason. */
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

  /** What follows a place, if it is here already. */
  held(position: number): TailStretch | undefined {
    const isHeld = this.#generation === this.#horizon.generation && this.#from <= position && position < this.#through;
    return isHeld ? this.#stretch(position) : undefined;
  }

  /** What follows a place; undefined if that is too far back. Rejects if the log cannot be read. */
  async after(position: number): Promise<TailStretch | undefined> {
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

  /** Those who keep up ask for the end, so it is sought from there. */
  #stretch(position: number): TailStretch {
    const last = this.#changes.findLastIndex(({ sequence }) => sequence <= position);
    return { changes: this.#changes.slice(last + 1), through: this.#through };
  }

  async #readInTurn(position: number): Promise<void> {
    const pauseMs = this.#readAgainAt - performance.now();
    if (pauseMs >= 1) await delay(pauseMs);
    const began = performance.now();
    await this.#read(position);
    const ended = performance.now();
    this.#readAgainAt = ended + Math.min(ended - began, MOST_PAUSE_MS);
  }

  async #read(position: number): Promise<void> {
    const { generation, settled, logId } = this.#horizon;
    if (generation !== this.#generation || position > this.#through) this.#forget(position);
    this.#generation = generation;
    const tables = [...this.#users.values()].map(({ table }) => table);
    const [after, joined] = [this.#through, this.#joined];
    const { limit } = this.#pageSize;
    const view = { tables, operations: OPERATIONS, scope: undefined };
    const page = await readLog(this.#internals, logId, view, { after, until: settled, limit });
    this.#pageSize.learn(page);
    if (joined !== this.#joined || generation !== this.#horizon.generation || this.#through !== after) return;
    if (page.trimmed > after) this.#forget(page.trimmed);
    else this.#take(page.changes, page.changes.length < limit ? settled : undefined);
    this.#takeOffers();
  }

  /** Keeps two pages: what the slower of those who keep up may still ask for. */
  #take(changes: readonly NumberedChange[], through: number | undefined): void {
    this.#changes.push(...changes);
    this.#through = through ?? (changes.at(-1) as NumberedChange).sequence;
    const excess = this.#changes.length - 2 * this.#pageSize.limit;
    if (excess <= 0) return;
    this.#from = (this.#changes[excess - 1] as NumberedChange).sequence;
    this.#changes = this.#changes.slice(excess);
  }
}
