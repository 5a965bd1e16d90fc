import { startTimer, type Timer } from '@intendant/core/internal';
import type { ChangedRow, ChangeListener } from './changed-row.ts';

/** How long a watch without listeners continues, in milliseconds, because the next listener often comes soon. */
const LINGER_MS = 5_000;

/** One reader of changes for several listeners. */
export class SharedWatch {
  readonly #listeners = new Set<ChangeListener>();
  readonly #stop: Promise<() => void>;
  #ending: Timer | undefined;
  #isEnded = false;

  /** `open` begins to read. It resolves when every later change will be reported. */
  constructor(open: (tell: (change?: ChangedRow) => void) => Promise<() => void>) {
    this.#stop = open((change) => {
      for (const listener of this.#listeners) listener(change);
    });
    this.#stop.catch(() => {
      this.#isEnded = true;
    });
  }

  /** Whether it has stopped and reports no more changes. Then a new one is needed. */
  get isEnded(): boolean {
    return this.#isEnded;
  }

  /**
   * Resolves when the listener will receive every later change, to a function that removes the listener. Rejects if
   * reading could not begin.
   */
  async add(listener: ChangeListener): Promise<() => void> {
    const own: ChangeListener = (change) => listener(change);
    this.#ending?.cancel();
    this.#listeners.add(own);
    await this.#stop;
    return () => this.#remove(own);
  }

  #remove(listener: ChangeListener): void {
    if (!this.#listeners.delete(listener) || this.#listeners.size > 0) return;
    this.#ending = startTimer(LINGER_MS, () => void this.#end(), { keepsProcess: false });
  }

  async #end(): Promise<void> {
    this.#isEnded = true;
    (await this.#stop)();
  }
}
