/** How far a stretch of the log is completed; its changes may complete in any order. */
export class Progress {
  /** Numbers of changes that are started and not completed, ascending. */
  readonly #open = new Set<number>();
  #read: number;

  constructor(from: number) {
    this.#read = from;
  }

  /** Everything up to here was read. */
  get read(): number {
    return this.#read;
  }

  /** Everything up to here is completed. */
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

  /** Up to here there are no changes besides those that were started. */
  reach(through: number): void {
    this.#read = Math.max(this.#read, through);
  }

  finish(sequence: number): void {
    this.#open.delete(sequence);
  }

  /** The log was replaced or trimmed: forgets what was read before. */
  restart(from: number): void {
    this.#open.clear();
    this.#read = from;
  }
}
