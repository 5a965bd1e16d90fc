/** How far the log is settled, as this process knows it. Never goes back. */
export class Horizon {
  #settled = -1;
  #waiting = new Set<() => void>();

  get settled(): number {
    return this.#settled;
  }

  advance(settled: number): void {
    if (settled <= this.#settled) return;
    this.#settled = settled;
    const woken = this.#waiting;
    this.#waiting = new Set();
    for (const wake of woken) wake();
  }

  /** Resolves once the log is settled beyond this, or the signal aborts. */
  async beyond(sequence: number, signal: AbortSignal): Promise<void> {
    while (this.#settled <= sequence && !signal.aborted) await this.#next(signal);
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
