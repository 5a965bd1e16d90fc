import { closeSync, openSync, writeSync } from 'node:fs';
import type { HistoryEvent } from './history-event.ts';

/** An event without the time and process, which the writer adds. */
export type NewEvent = HistoryEvent extends infer One
  ? One extends HistoryEvent
    ? Omit<One, 'at' | 'pid'>
    : never
  : never;

/** Appends to a history that other processes append to as well. Written lines survive a kill of the process. */
export interface HistoryWriter {
  write(event: NewEvent): void;
  close(): void;
}

/** The machine's monotonic clock, in milliseconds. */
export const monotonicMs = (): number => Number(process.hrtime.bigint() / 1000n) / 1000;

/** A line begins with a line break, so that a line cut off by a kill does not damage the next one. */
export function openHistory(path: string): HistoryWriter {
  const file = openSync(path, 'a');
  return {
    write: (event) => {
      writeSync(file, `\n${JSON.stringify({ at: monotonicMs(), pid: process.pid, ...event })}\n`);
    },
    close: () => closeSync(file),
  };
}
