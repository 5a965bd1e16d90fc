import { Progress } from './progress.ts';

/**
 * The rows whose changes this member delivers, and how far it is: all rows of a subscription, or those of one slot of a
 * durable name.
 */
export class Share {
  readonly slot: number;
  /** Increases each time that the slot gets another owner. */
  readonly epoch: number;
  readonly progress: Progress;
  readonly #lost = new AbortController();
  #isHeld = true;
  #underWay = 0;
  #onIdle: (() => void) | undefined;

  constructor(from: number, slot = 0, epoch = 0) {
    this.progress = new Progress(from);
    this.slot = slot;
    this.epoch = epoch;
  }

  /** Aborts when another member owns the rows. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /** Whether changes of the share may be started. */
  get isHeld(): boolean {
    return this.#isHeld;
  }

  lose(): void {
    this.#isHeld = false;
    this.#lost.abort();
  }

  /** Starts no further changes. Resolves when running calls have ended. */
  async retire(): Promise<void> {
    this.#isHeld = false;
    if (this.#underWay > 0) await new Promise<void>((resolve) => (this.#onIdle = resolve));
  }

  enter(): void {
    this.#underWay++;
  }

  leave(): void {
    this.#underWay--;
    if (this.#underWay === 0) this.#onIdle?.();
  }
}
