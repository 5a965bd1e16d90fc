/*
 * How a leader learns of changes. At a low rate every commit rings, and the relay looks once a ring: the shortest way. A
 * ring makes committing writers queue for one lock of the server, so at a high rate the leader takes the doorbell, which
 * keeps writers silent, and looks every few milliseconds instead.
 */
const WINDOW_MS = 20;
/** 1,000 rings a second. */
const RINGS_A_WINDOW = 20;
/** So many rings during one look mean writers that queue for the bell; two such looks in a row make a high rate, however slow the machine. */
const RINGS_A_LOOK = 3;
const BUSY_LOOKS = 2;
/** 300 changes a second, or two a look. */
const QUIET_WINDOW_MS = 60;
const CHANGES_A_QUIET_WINDOW = 18;
const CHANGES_A_QUIET_LOOK = 2;

/** Looks are apart by twice the time that one takes: where the processors are short, the writers come first. */
const LEAST_PAUSE_MS = 2;
const MOST_PAUSE_MS = 25;
/** A look that found an open writer is followed by another soon; a writer that stays open needs no fast ones. */
const FIRST_PAUSE_MS = 1;
const PAUSE_GROWTH = 1.4;

/** Whether rings come so fast that looking without them is cheaper. */
export class RingRate {
  #startedAt = 0;
  #rings = 0;
  #ringsOfLook = 0;
  #busyLooks = 0;

  noteRing(now: number): void {
    this.#ringsOfLook++;
    if (now - this.#startedAt > WINDOW_MS) {
      this.#startedAt = now;
      this.#rings = 0;
    }
    this.#rings++;
  }

  /** A look begins: it stands for all rings so far. */
  noteLook(): void {
    this.#busyLooks = this.#ringsOfLook >= RINGS_A_LOOK ? this.#busyLooks + 1 : 0;
    this.#ringsOfLook = 0;
  }

  get isHigh(): boolean {
    return this.#rings >= RINGS_A_WINDOW || this.#busyLooks >= BUSY_LOOKS;
  }

  reset(): void {
    this.#rings = 0;
    this.#ringsOfLook = 0;
    this.#busyLooks = 0;
  }
}

/** Whether so few numbers were taken for a while that the writers may ring again. */
export class NumberRate {
  #startedAt: number;
  #startedWith: number;
  #looks = 0;

  constructor(now: number, noted: number) {
    this.#startedAt = now;
    this.#startedWith = noted;
  }

  /** Asked once a look: of the window that ends now; false while none does. */
  isLow(now: number, noted: number): boolean {
    this.#looks++;
    if (now - this.#startedAt < QUIET_WINDOW_MS) return false;
    const changes = noted - this.#startedWith;
    const isLow = changes < CHANGES_A_QUIET_WINDOW && changes < CHANGES_A_QUIET_LOOK * this.#looks;
    this.#looks = 0;
    this.#startedAt = now;
    this.#startedWith = noted;
    return isLow;
  }
}

/** The pause between two looks. */
export class LookPause {
  #waitingMs = FIRST_PAUSE_MS;

  /** After a look of this duration; `isWaiting`: for a writer that was open. */
  next(lookMs: number, isWaiting: boolean): number {
    this.#waitingMs = isWaiting ? this.#waitingMs * PAUSE_GROWTH : FIRST_PAUSE_MS;
    const pauseMs = isWaiting ? this.#waitingMs : LEAST_PAUSE_MS;
    return Math.min(Math.max(pauseMs, 2 * lookMs), MOST_PAUSE_MS);
  }
}
