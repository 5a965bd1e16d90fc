import { isSameLog, type LogVersion } from '../log/timeline.ts';

/** The part of an announcement that says up to which number the log is settled. */
export interface SettledNotice extends LogVersion {
  readonly settled: number;
  /** The last number that was taken when the relay checked. */
  readonly last: number;
}

/** Waits for the horizon repeatedly, until its signal aborts. */
export interface HorizonWaiter extends Disposable {
  beyond(sequence: number, generation: number): Promise<void>;
}

/** Receives the notices of one source, in order. */
export interface NoticeSink {
  /** An announcement of the relay. */
  announced(notice: SettledNotice): void;
  /** A notice of a writer about its own, committed change. */
  noticed(notice: SettledNotice): void;
}

/**
 * Up to which number the log is settled, as far as this process knows. It never decreases, unless the log itself went
 * back, or the server began a new timeline: it was restored from a backup, or a standby was promoted that may not have
 * received everything. That begins a new generation, in which earlier places are invalid.
 */
export class Horizon {
  #settled = -1;
  #logId = '';
  #timeline = '';
  #generation = 0;
  #waiting = new Set<() => void>();

  get settled(): number {
    return this.#settled;
  }

  /** Empty until the first announcement. */
  get logId(): string {
    return this.#logId;
  }

  /** The server's timeline; empty if no announcement has named it yet. */
  get timeline(): string {
    return this.#timeline;
  }

  /** Increases when the log was replaced by another, went back, or continues on another timeline of the server. */
  get generation(): number {
    return this.#generation;
  }

  /**
   * Opens a source of notices, which arrive in order. Notices of two sources may overtake each other, so only two
   * notices of one source can show that the log went back. The relay checks after it has announced the result of the
   * previous check. So it cannot find a smaller last number than one that was received before that announcement.
   */
  openSource(): NoticeSink {
    let announced = -1;
    let received = -1;
    let receivedSince = -1;
    const hasGoneBack = ({ last }: SettledNotice): boolean => {
      if (last === announced) return false; // Perhaps of the same check.
      const wentBack = last < received && last < this.#settled;
      received = wentBack ? last : Math.max(last, receivedSince);
      receivedSince = -1;
      announced = last;
      return wentBack;
    };
    return {
      announced: (notice) => {
        const isAnother = this.#logId !== '' && !isSameLog(notice, this);
        if (hasGoneBack(notice) || isAnother) this.#begin(notice);
        else this.#advance(notice);
      },
      noticed: (notice) => {
        if (isSameLog(notice, this)) receivedSince = Math.max(receivedSince, notice.settled);
      },
    };
  }

  /** The log of this generation is settled up to this number. */
  reach(settled: number): void {
    this.#advance({ logId: this.#logId, timeline: this.#timeline, settled, last: settled });
  }

  #begin({ logId, timeline, settled }: SettledNotice): void {
    this.#generation++;
    this.#logId = logId;
    this.#timeline = timeline;
    this.#settled = settled;
    this.#wakeAll();
  }

  #advance({ logId, timeline, settled }: SettledNotice): void {
    this.#logId = logId;
    this.#timeline ||= timeline;
    if (settled <= this.#settled) return;
    this.#settled = settled;
    this.#wakeAll();
  }

  #wakeAll(): void {
    const woken = this.#waiting;
    this.#waiting = new Set();
    for (const wake of woken) wake();
  }

  /** Resolves when the log is settled beyond this number, the generation has ended, or the signal aborts. */
  async beyond(sequence: number, generation: number, signal: AbortSignal): Promise<void> {
    using waiter = this.openWaiter(signal);
    await waiter.beyond(sequence, generation);
  }

  /** For a caller that waits often. */
  openWaiter(signal: AbortSignal): HorizonWaiter {
    let wake: (() => void) | undefined;
    const wakeUp = () => wake?.();
    signal.addEventListener('abort', wakeUp);
    return {
      beyond: async (sequence, generation) => {
        while (this.#settled <= sequence && this.#generation === generation && !signal.aborted)
          await new Promise<void>((resolve) => {
            wake = resolve;
            this.#waiting.add(wakeUp);
          });
      },
      [Symbol.dispose]: () => {
        signal.removeEventListener('abort', wakeUp);
        this.#waiting.delete(wakeUp);
      },
    };
  }
}
