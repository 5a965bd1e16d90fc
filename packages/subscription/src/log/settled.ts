/**
 * SQL: the last number that a writer has taken; 0 if none has. The function takes the sequence's lock. `select last_value`
 * does not: while another session's `nextval` logs that it has reserved 32 numbers, it returns the last of these.
 */
export const LAST_NUMBER = `coalesce(pg_sequence_last_value('intendant.change_seq'), 0)`;

/**
 * The rule for what is settled. A change takes its number before its transaction commits, so a reader that only reads
 * upward misses changes that commit late. A check first reads the sequence's last value, and then which transactions
 * hold RowExclusiveLock on the log. A transaction takes this lock before its number and keeps it until its end. So each
 * transaction with a number up to that value is among the holders or has ended. When all holders of a check have ended,
 * every change up to its value is committed or rolled back: it is settled.
 *
 * A number is also settled without a check if its row is committed. So where no number is missing, the log is settled up
 * to its last committed row.
 *
 * The two statements are sent as one simple query: one round trip, executed one after the other, each with its own
 * snapshot.
 */
export const LOG_CHECK_SQL = `
select ${LAST_NUMBER} as noted;
select distinct virtualtransaction as holder from pg_locks
where locktype = 'relation' and relation = 'intendant.change_log'::regclass and mode = 'RowExclusiveLock' and granted
  and database = (select oid from pg_database where datname = current_database())`;

export interface LogCheck {
  readonly noted: number;
  /** Virtual transactions, e.g. `3/17`. */
  readonly holders: ReadonlySet<string>;
}

interface PendingCheck {
  readonly noted: number;
  remaining: Set<string>;
}

/** The most unfinished checks that are kept; after that, a new check replaces the newest one. */
const MAX_PENDING = 64;

/** Computes from checks up to which number the log is settled. */
export class SettledTracker {
  #settled: number;
  #pending: PendingCheck[] = [];

  constructor(settled = 0) {
    this.#settled = settled;
  }

  get settled(): number {
    return this.#settled;
  }

  /** Whether no known number waits for open writers. */
  get isQuiet(): boolean {
    return this.#pending.length === 0;
  }

  /** The log is settled up to this number, as its rows show. */
  advance(through: number): void {
    this.#settled = Math.max(this.#settled, through);
    while (this.#pending[0] && this.#pending[0].noted <= this.#settled) this.#pending.shift();
  }

  /** Adds a check, and returns up to which number the log is settled now. */
  observe({ noted, holders }: LogCheck): number {
    for (const check of this.#pending)
      check.remaining = new Set([...check.remaining].filter((holder) => holders.has(holder)));
    if (noted > (this.#pending.at(-1)?.noted ?? this.#settled)) {
      if (this.#pending.length >= MAX_PENDING) this.#pending.pop();
      this.#pending.push({ noted, remaining: new Set(holders) });
    }
    while (this.#pending[0]?.remaining.size === 0) this.#settled = (this.#pending.shift() as PendingCheck).noted;
    return this.#settled;
  }
}
