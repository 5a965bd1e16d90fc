/*
 * How a leader learns of changes. At a low rate each commit notifies it, which has the lowest latency. With NOTIFY,
 * committing writers wait for one lock of the server, so at a high rate the leader keeps writers silent and polls every
 * few milliseconds.
 */
const WINDOW_MS = 100;
/** 1,000 notifications per second. */
const RINGS_A_WINDOW = 100;
/**
 * If this many checks in a row find that many writers waiting for the lock, or that many open ones, the rate is high for
 * this machine.
 */
const BUSY_CHECKS = 3;
const QUEUED_WRITERS = 3;
const OPEN_WRITERS = 5;
/** After this many notifications a check measures how busy writers are; after fewer if they were busy in the last check. */
const RINGS_PER_CHECK = 12;
const RINGS_PER_BUSY_CHECK = 2;
/** 850 changes per second. */
const QUIET_WINDOW_MS = 100;
const CHANGES_A_QUIET_WINDOW = 85;
/** 200 changes per second: at this rate writers rarely wait for each other. */
const CHANGES_A_SILENT_WINDOW = 20;
/** After writers were busy, they are kept silent for this long, in milliseconds, and twice as long each further time. */
const SILENCE = { minMs: 1_000, maxMs: 60_000, forgottenAfterMs: 60_000 };
/** Writers are also kept silent for this long after a high rate, in milliseconds, because load often comes in bursts. */
const AFTER_HIGH_RATE_MS = 3_000;

/**
 * In milliseconds. While many writers are open, the pause between polls is a multiple of a check's duration, so that
 * writers get most of the CPU time. While few are open, there is CPU time left, and the pause is short.
 */
const MIN_PAUSE_MS = 10;
const MAX_PAUSE_MS = 30;
const CALM_PAUSE_MS = 2.5;
const PAUSE_PER_CHECK = 10;
/** While the writers are silent, this many missing numbers on average mean that the rate is high for this machine. */
const MISSING_NUMBERS = 4;
/** The average is that of about the last four checks. */
const AVERAGED_CHECKS = 4;
/** In the average, no check counts for more missing numbers than this, because one writer may take thousands. */
const COUNTED_MISSING = 7;
/** After a check that found an open writer, the next one follows soon. If the writer stays open, the pause grows. */
const FIRST_PAUSE_MS = 1;
const WRITER_PAUSE_PER_CHECK = 2;
const MAX_WRITER_PAUSE_MS = 20;
const PAUSE_GROWTH = 1.4;

/** Decides whether notifications are so frequent that polling is cheaper. */
export class RingRate {
  #startedAt = 0;
  #rings = 0;
  #ringsSinceCheck = 0;
  #busyChecks = 0;

  noteRing(now: number): void {
    this.#ringsSinceCheck++;
    if (now - this.#startedAt > WINDOW_MS) {
      this.#startedAt = now;
      this.#rings = 0;
    }
    this.#rings++;
  }

  /** Notes a check, with the number of writers that waited for the lock and the number of open writers. */
  noteCheck(queued: number, open: number): void {
    this.#ringsSinceCheck = 0;
    this.#busyChecks = queued >= QUEUED_WRITERS || open >= OPEN_WRITERS ? this.#busyChecks + 1 : 0;
  }

  /** Whether to measure again how busy writers are. */
  get isCheckDue(): boolean {
    return this.#ringsSinceCheck >= (this.#busyChecks > 0 ? RINGS_PER_BUSY_CHECK : RINGS_PER_CHECK);
  }

  get isBusy(): boolean {
    return this.#busyChecks >= BUSY_CHECKS;
  }

  get isHigh(): boolean {
    return this.#rings >= RINGS_A_WINDOW || this.isBusy;
  }

  reset(): void {
    this.#rings = 0;
    this.#ringsSinceCheck = 0;
    this.#busyChecks = 0;
  }
}

export type Rate = 'unknown' | 'high' | 'low' | 'very low';

/** The shortest time for which writers are kept silent, even if the rate of changes is low. */
export class Silence {
  #lengthMs = 0;
  #until = 0;
  #highUntil = 0;

  /** Starts a silence after writers were busy. */
  begin(now: number): void {
    const isRepeated = now - this.#until < SILENCE.forgottenAfterMs;
    this.#lengthMs = isRepeated ? Math.min(2 * this.#lengthMs, SILENCE.maxMs) : 0;
    this.#lengthMs ||= SILENCE.minMs;
    this.#until = now + this.#lengthMs;
  }

  /** Whether writers may notify again, at this rate of changes. */
  isOver(now: number, rate: Rate): boolean {
    if (rate === 'high') this.#highUntil = now + AFTER_HIGH_RATE_MS;
    if (rate === 'very low') return now >= this.#highUntil;
    return rate === 'low' && now >= this.#until;
  }
}

/** Measures the rate of changes while the writers are silent. */
export class NumberRate {
  #startedAt: number;
  #startedWith: number;
  #checks = 0;
  #openWriters = 0;

  constructor(now: number, noted: number) {
    this.#startedAt = now;
    this.#startedWith = noted;
  }

  /** Called after each check with its result. Returns the rate in the window that ends now; `unknown` if none ends. */
  measure(now: number, noted: number, openWriters: number): Rate {
    this.#checks++;
    this.#openWriters += openWriters;
    const elapsedMs = now - this.#startedAt;
    if (elapsedMs < QUIET_WINDOW_MS) return 'unknown';
    const changes = ((noted - this.#startedWith) * QUIET_WINDOW_MS) / elapsedMs;
    const isBusy = this.#openWriters / this.#checks >= OPEN_WRITERS - 1;
    this.#startedAt = now;
    this.#startedWith = noted;
    this.#checks = 0;
    this.#openWriters = 0;
    if (changes < CHANGES_A_SILENT_WINDOW) return 'very low';
    return changes < CHANGES_A_QUIET_WINDOW && !isBusy ? 'low' : 'high';
  }
}

/**
 * The pause after a check, while the writers are silent. It depends on the average number of missing numbers: at a moderate
 * rate a single check may find many, and changes would wait for a long pause.
 */
export class PollPause {
  #missing: number | undefined;

  /** Returns the pause after a check of this duration that found this many numbers missing, in milliseconds. */
  next(checkMs: number, missing: number): number {
    const found = Math.min(missing, COUNTED_MISSING);
    const average = this.#missing ?? found;
    this.#missing = average + (found - average) / AVERAGED_CHECKS;
    if (this.#missing < MISSING_NUMBERS) return CALM_PAUSE_MS;
    return Math.min(Math.max(PAUSE_PER_CHECK * checkMs, MIN_PAUSE_MS), MAX_PAUSE_MS);
  }
}

/** The pause after a check that found an open writer; it grows each time. */
export class WriterPause {
  #pauseMs = FIRST_PAUSE_MS;

  next(checkMs: number): number {
    this.#pauseMs *= PAUSE_GROWTH;
    return Math.min(Math.max(this.#pauseMs, WRITER_PAUSE_PER_CHECK * checkMs), MAX_WRITER_PAUSE_MS);
  }

  reset(): void {
    this.#pauseMs = FIRST_PAUSE_MS;
  }
}
