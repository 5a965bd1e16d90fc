import { startTimer, type Timer } from '@intendant/core/internal';
import type { ChangedRow, ChangeListener } from './changed-row.ts';

/** A watch without listeners goes on for so long, since the next listener often comes at once. */
const LINGER_MS = 5_000;

/** One reader of changes for several listeners. */
export class SharedWatch {
  readonly #listeners = new Set<ChangeListener>();
  readonly #stop: Promise<() => void>;
  #ending: Timer | undefined;
  #isEnded = false;

  /** `open` begins to read, and resolves once every later change is told. */
  constructor(open: (tell: (change?: ChangedRow) => void) => Promise<() => void>) {
    this.#stop = open((change) => {
      for (const listener of this.#listeners) listener(change);
    });
    this.#stop.catch(() => {
      this.#isEnded = true;
    });
  }

  /** It tells no more: another one is needed. */
  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** Resolves when the listener hears of every later change, to a function that takes it away. Rejects when reading could not begin. */
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
