import type { Io } from '../run/io.ts';

const BAR_WIDTH = 24;

/** Shows how far long work is, on one line of stderr; nothing where stderr is not a terminal. */
export class Progress {
  readonly #io: Io;
  readonly #what: string;
  #isShown = false;

  constructor(io: Io, what: string) {
    this.#io = io;
    this.#what = what;
  }

  show(done: number, total: number): void {
    if (this.#io.stderr.isTTY !== true) return;
    this.#isShown = true;
    const share = total === 0 ? 1 : Math.min(1, done / total);
    const filled = Math.round(share * BAR_WIDTH);
    const bar = `${'#'.repeat(filled)}${'.'.repeat(BAR_WIDTH - filled)}`;
    this.#io.stderr.write(`\r\u001b[K${this.#what} [${bar}] ${done} of ${total}`);
  }

  /** Takes the line away. */
  end(): void {
    if (this.#isShown) this.#io.stderr.write('\r\u001b[K');
    this.#isShown = false;
  }
}
