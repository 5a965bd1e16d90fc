/*
 * What is settled. A change takes its number before its transaction commits, so reading upward skips what commits late.
 * A look notes the sequence's last value first, and then who holds RowExclusiveLock on the log. A transaction that took a number up
 * to the noted value took that lock before the number and keeps it to its end, so it is among the holders or has ended.
 * Once none of a look's holders is left, everything up to its value is committed or rolled back: settled.
 *
 * A number is settled without a look, too, if its row is committed: so where no number is missing, the log is settled as far as
 * its committed rows go.
 *
 * The two statements go in one simple query: one round trip, run one after the other, each with its own snapshot.
 */
export const LOOK = `
select case when is_called then last_value else 0 end as noted from intendant.change_seq;
select distinct virtualtransaction as holder from pg_locks
where locktype = 'relation' and relation = 'intendant.change_log'::regclass and mode = 'RowExclusiveLock' and granted
  and database = (select oid from pg_database where datname = current_database())`;

export interface Look {
  readonly noted: number;
  /** Virtual transactions, e.g. `3/17`. */
  readonly holders: ReadonlySet<string>;
}

interface PendingLook {
  readonly noted: number;
  remaining: Set<string>;
}

/** The most looks that wait; beyond it a new look replaces the newest one. */
const MOST_PENDING = 64;

/** Turns looks into how far the log is settled. */
export class SettledTracker {
  #settled: number;
  #pending: PendingLook[] = [];

  constructor(settled = 0) {
    this.#settled = settled;
  }

  get settled(): number {
    return this.#settled;
  }

  /** Whether no noted number still waits for open writers. */
  get isQuiet(): boolean {
    return this.#pending.length === 0;
  }

  /** The log is settled up to here, as its rows show. */
  advance(through: number): void {
    this.#settled = Math.max(this.#settled, through);
    while (this.#pending[0] && this.#pending[0].noted <= this.#settled) this.#pending.shift();
  }

  /** Takes a look into account; returns how far the log is settled now. */
  observe({ noted, holders }: Look): number {
    for (const look of this.#pending)
      look.remaining = new Set([...look.remaining].filter((holder) => holders.has(holder)));
    if (noted > (this.#pending.at(-1)?.noted ?? this.#settled)) {
      if (this.#pending.length >= MOST_PENDING) this.#pending.pop();
      this.#pending.push({ noted, remaining: new Set(holders) });
    }
    while (this.#pending[0]?.remaining.size === 0) this.#settled = (this.#pending.shift() as PendingLook).noted;
    return this.#settled;
  }
}
