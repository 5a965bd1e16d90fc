/** What of an announcement says how far the log is settled. */
export interface SettledNotice {
  readonly logId: string;
  readonly settled: number;
  /** The last number taken when the relay looked. */
  readonly last: number;
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
   * the same one shows that the log went back.
   */
  hearing(): (notice: SettledNotice) => void {
    let heard = -1;
    return (notice) => {
      const wentBack = notice.last < heard && notice.last < this.#settled;
      heard = notice.last;
      if (wentBack || (this.#logId !== '' && notice.logId !== this.#logId)) this.#begin(notice);
      else this.#advance(notice);
    };
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
    while (this.#settled <= sequence && this.#generation === generation && !signal.aborted) await this.#next(signal);
  }

  #next(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        this.#waiting.delete(done);
        signal.removeEventListener('abort', done);
        resolve();
      };
      this.#waiting.add(done);
      signal.addEventListener('abort', done);
    });
  }
}
