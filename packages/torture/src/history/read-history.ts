import { closeSync, openSync, readSync } from 'node:fs';
import type { HistoryEvent } from './history-event.ts';

const CHUNK_BYTES = 1 << 20;

/** Reads a history that still grows: each call of `read` returns the new lines. */
export class HistoryTail implements Disposable {
  readonly #file: number;
  readonly #chunk = Buffer.alloc(CHUNK_BYTES);
  #rest = Buffer.alloc(0);
  /** Lines that were cut off by a kill. */
  torn = 0;

  constructor(path: string) {
    this.#file = openSync(path, 'a+');
  }

  *read(): Generator<HistoryEvent> {
    for (;;) {
      const length = readSync(this.#file, this.#chunk, 0, CHUNK_BYTES, this.#offset);
      if (length === 0) return;
      this.#offset += length;
      yield* this.#linesOf(this.#chunk.subarray(0, length));
    }
  }

  #offset = 0;

  *#linesOf(chunk: Buffer): Generator<HistoryEvent> {
    const bytes = Buffer.concat([this.#rest, chunk]);
    const end = bytes.lastIndexOf(10) + 1;
    this.#rest = Buffer.from(bytes.subarray(end));
    for (const line of bytes.subarray(0, end).toString().split('\n')) {
      const event = line === '' ? undefined : this.#parse(line);
      if (event !== undefined) yield event;
    }
  }

  #parse(line: string): HistoryEvent | undefined {
    try {
      return JSON.parse(line) as HistoryEvent;
    } catch {
      this.torn++;
      return undefined;
    }
  }

  [Symbol.dispose](): void {
    closeSync(this.#file);
  }
}
