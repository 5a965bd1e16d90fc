import { setTimeout as delay } from 'node:timers/promises';
import type { DataStoreInternals, RegisteredTable } from '@intendant/core/internal';
import { OPERATIONS } from '../change.ts';
import type { NumberedChange } from '../log/log-entry.ts';
import { readLog } from '../log/read-log.ts';
import type { Horizon } from './horizon.ts';
import { PageSize } from './page-size.ts';

/** Further behind than this, a subscriber reads for itself. */
const REACH = 2_000;

/** Reads are apart by as long as one takes, up to this: where the processors are short, larger pages less often. */
const MOST_PAUSE_MS = 20;

/** A stretch of the log, up to where it was read. */
export interface TailStretch {
  readonly changes: readonly NumberedChange[];
  readonly through: number;
}

/**
 * The newest end of the log, read once for all subscribers of the process that keep up. It holds the changes of all
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

  constructor(internals: DataStoreInternals, horizon: Horizon) {
    this.#internals = internals;
    this.#horizon = horizon;
  }

  /** Reads these tables too, until the answer is called. */
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

  /** What follows a place; undefined if that is too far back. Rejects if the log cannot be read. */
  async after(position: number): Promise<TailStretch | undefined> {
    for (;;) {
      const { generation, settled } = this.#horizon;
      if (this.#generation === generation && this.#from <= position && position < this.#through)
        return this.#stretch(position);
      if (settled - position > REACH || (position < this.#from && this.#generation === generation)) return undefined;
      if (settled <= position) return { changes: [], through: position };
      this.#reading ??= this.#readInTurn(position).finally(() => {
        this.#reading = undefined;
      });
      await this.#reading;
    }
  }

  #stretch(position: number): TailStretch {
    const first = this.#changes.findIndex(({ sequence }) => sequence > position);
    return {
      changes: first < 0 ? [] : first === 0 ? [...this.#changes] : this.#changes.slice(first),
      through: this.#through,
    };
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
    if (joined !== this.#joined || generation !== this.#horizon.generation) return;
    if (page.trimmed > after) this.#forget(page.trimmed);
    else this.#take(page.changes, page.changes.length < limit ? settled : undefined);
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
