/** What a loop sleeps on. A ring while nobody sleeps is remembered, once. */
export class Bell {
  #isRung = false;
  #wake: (() => void) | undefined;

  ring(): void {
    this.#isRung = true;
    this.#wake?.();
  }

  /** Resolves when it rings, or rang since the last wait, or the time is up. */
  async wait(timeoutMs: number): Promise<void> {
    if (!this.#isRung && timeoutMs > 0) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, Math.min(timeoutMs, MAX_TIMER_MS));
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      this.#wake = undefined;
    }
    this.#isRung = false;
  }
}

const MAX_TIMER_MS = 2 ** 31 - 1;
