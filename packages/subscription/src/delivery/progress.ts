/** Tracks up to which place the changes of the log are completed; they may complete in any order. */
export class Progress {
  /** Numbers of changes that were started and are not completed, ascending. */
  readonly #open = new Set<number>();
  #read: number;

  constructor(from: number) {
    this.#read = from;
  }

  /** The log was read up to this number. */
  get read(): number {
    return this.#read;
  }

  /** All changes up to this number are completed. */
  get place(): number {
    const [first] = this.#open;
    return first === undefined ? this.#read : first - 1;
  }

  get isIdle(): boolean {
    return this.#open.size === 0;
  }

  begin(sequence: number): void {
    this.#open.add(sequence);
    this.#read = sequence;
  }

  /** Notes that the log was read up to this number. Changes that were not started do not concern this subscription. */
  reach(through: number): void {
    this.#read = Math.max(this.#read, through);
  }

  finish(sequence: number): void {
    this.#open.delete(sequence);
  }

  /** Forgets what was read before, because the log was replaced or trimmed. */
  restart(from: number): void {
    this.#open.clear();
    this.#read = from;
  }
}
