import type { Io } from '../run/io.ts';

const BAR_WIDTH = 24;

/** Shows the progress of long work on one line of stderr. Shows nothing if stderr is not a terminal. */
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

  /** Clears the line. */
  end(): void {
    if (this.#isShown) this.#io.stderr.write('\r\u001b[K');
    this.#isShown = false;
  }
}
