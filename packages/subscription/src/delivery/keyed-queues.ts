export interface KeyedQueuesOptions<T> {
  /** Largest number of simultaneous calls of `work`. */
  readonly concurrency: number;
  /** Largest number of items in one call. */
  readonly batchSize: number;
  /** Processes items. Returns undefined if the work is complete when it returns. Must neither throw nor reject. */
  readonly work: (items: readonly T[]) => Promise<void> | undefined;
}

/** Processes several items at the same time, but those of one key one after the other, in the order of arrival. */
export class KeyedQueues<T> {
  readonly #options: KeyedQueuesOptions<T>;
  readonly #queues = new Map<string, T[]>();
  /** Keys with items that are not being processed. */
  readonly #ready = new Set<string>();
  #waiting: (() => void)[] = [];
  #busy = 0;
  #size = 0;
  #isPaused = false;

  constructor(options: KeyedQueuesOptions<T>) {
    this.#options = options;
  }

  /** Number of items that wait or are being processed. */
  get size(): number {
    return this.#size;
  }

  push(items: readonly (readonly [key: string, item: T])[]): void {
    for (const [key, item] of items) {
      this.#size++;
      const queue = this.#queues.get(key);
      if (queue) queue.push(item);
      else {
        this.#queues.set(key, [item]);
        this.#ready.add(key);
      }
    }
    this.#start();
  }

  /** Starts no further item until `resume`. */
  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.#start();
  }

  /** Removes the items that have not been started. */
  clear(): void {
    for (const [key, queue] of this.#queues) {
      this.#size -= queue.length;
      queue.length = 0;
      if (this.#ready.delete(key)) this.#queues.delete(key);
    }
    this.#wake();
  }

  /** Resolves when fewer items are left. */
  async fewerThan(limit: number): Promise<void> {
    while (this.#size >= limit) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  #start(): void {
    while (!this.#isPaused && this.#busy < this.#options.concurrency && this.#ready.size > 0) void this.#run();
  }

  async #run(): Promise<void> {
    this.#busy++;
    while (!this.#isPaused && this.#ready.size > 0) {
      const { keys, items } = this.#take();
      const working = this.#options.work(items);
      if (working) await working;
      this.#size -= items.length;
      for (const key of keys) this.#putBack(key);
      if (this.#waiting.length > 0) this.#wake();
    }
    this.#busy--;
  }

  #putBack(key: string): void {
    if (this.#queues.get(key)?.length) this.#ready.add(key);
    else this.#queues.delete(key);
  }

  #take(): { keys: string[]; items: T[] } {
    const keys: string[] = [];
    const items: T[] = [];
    for (const key of this.#ready) {
      this.#ready.delete(key);
      keys.push(key);
      const queue = this.#queues.get(key) as T[];
      while (queue.length > 0 && items.length < this.#options.batchSize) items.push(queue.shift() as T);
      if (items.length >= this.#options.batchSize) break;
    }
    return { keys, items };
  }

  #wake(): void {
    const woken = this.#waiting;
    this.#waiting = [];
    for (const wake of woken) wake();
  }
}
