/** What wakes a relay that sleeps. A ring is remembered until it is silenced. */
export class Bell {
  #isRung = false;
  #wake: (() => void) | undefined;

  get isRung(): boolean {
    return this.#isRung;
  }

  ring(): void {
    this.#isRung = true;
    this.#wake?.();
  }

  silence(): void {
    this.#isRung = false;
  }

  /** Resolves when it rings, or after this time. */
  async waitFor(timeoutMs: number): Promise<void> {
    if (this.#isRung) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wake = undefined;
  }
}
