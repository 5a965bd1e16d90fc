/** What of an announcement says how far the log is settled. */
export interface SettledNotice {
  readonly logId: string;
  readonly settled: number;
  /** The last number taken when the relay looked. */
  readonly last: number;
}

/** Waits for the horizon, again and again, until its signal aborts. */
export interface HorizonWaiter extends Disposable {
  beyond(sequence: number, generation: number): Promise<void>;
}

/** Takes what comes by one way, in order. */
export interface NoticeWay {
  /** What the relay said. */
  announced(notice: SettledNotice): void;
  /** What a writer said of its own, committed change. */
  noticed(notice: SettledNotice): void;
}

/**
 * How far the log is settled, as this process knows it. Never goes back, unless the log itself did: a server that was
 * restored from a backup, or a standby that had not received all. That begins a new generation, in which no earlier place is valid.
 */
export class Horizon {
  #settled = -1;
  #logId = '';
  #generation = 0;
  #waiting = new Set<() => void>();

  get settled(): number {
    return this.#settled;
  }

  /** Empty until the first announcement. */
  get logId(): string {
    return this.#logId;
  }

  /** Grows when the log was replaced by another, or went back. */
  get generation(): number {
    return this.#generation;
  }

  /**
   * A way by which notices come, each later than the one before. Two ways may overtake each other, so only what came by
   * the same one shows that the log went back: the relay looks after it has announced what it found before, so it cannot find a
   * smaller number than one that was heard of before that announcement.
   */
  openWay(): NoticeWay {
    let announced = -1;
    let heard = -1;
    let heardSince = -1;
    const hasGoneBack = ({ last }: SettledNotice): boolean => {
      if (last === announced) return false; // Perhaps of one look.
      const wentBack = last < heard && last < this.#settled;
      heard = wentBack ? last : Math.max(last, heardSince);
      heardSince = -1;
      announced = last;
      return wentBack;
    };
    return {
      announced: (notice) => {
        const isAnother = this.#logId !== '' && notice.logId !== this.#logId;
        if (hasGoneBack(notice) || isAnother) this.#begin(notice);
        else this.#advance(notice);
      },
      noticed: ({ logId, settled }) => {
        if (logId === this.#logId) heardSince = Math.max(heardSince, settled);
      },
    };
  }

  /** The log is settled up to here, of this generation. */
  reach(settled: number): void {
    this.#advance({ logId: this.#logId, settled, last: settled });
  }

  #begin({ logId, settled }: SettledNotice): void {
    this.#generation++;
    this.#logId = logId;
    this.#settled = settled;
    this.#wakeAll();
  }

  #advance({ logId, settled }: SettledNotice): void {
    this.#logId = logId;
    if (settled <= this.#settled) return;
    this.#settled = settled;
    this.#wakeAll();
  }

  #wakeAll(): void {
    const woken = this.#waiting;
    this.#waiting = new Set();
    for (const wake of woken) wake();
  }

  /** Resolves once the log is settled beyond this number, or no longer of this generation, or the signal aborts. */
  async beyond(sequence: number, generation: number, signal: AbortSignal): Promise<void> {
    using waiter = this.openWaiter(signal);
    await waiter.beyond(sequence, generation);
  }

  /** For one who waits often. */
  openWaiter(signal: AbortSignal): HorizonWaiter {
    let wake: (() => void) | undefined;
    const rouse = () => wake?.();
    signal.addEventListener('abort', rouse);
    return {
      beyond: async (sequence, generation) => {
        while (this.#settled <= sequence && this.#generation === generation && !signal.aborted)
          await new Promise<void>((resolve) => {
            wake = resolve;
            this.#waiting.add(rouse);
          });
      },
      [Symbol.dispose]: () => {
        signal.removeEventListener('abort', rouse);
        this.#waiting.delete(rouse);
      },
    };
  }
}
