import { closeSync, openSync, writeSync } from 'node:fs';
import type { HistoryEvent } from './history-event.ts';

/** An event before the writer adds when and by whom. */
export type NewEvent = HistoryEvent extends infer One
  ? One extends HistoryEvent
    ? Omit<One, 'at' | 'pid'>
    : never
  : never;

/** Appends to a history that other processes append to as well. What is written survives a kill of the process. */
export interface HistoryWriter {
  write(event: NewEvent): void;
  close(): void;
}

/** The machine's monotonic clock, in milliseconds. */
export const monotonicMs = (): number => Number(process.hrtime.bigint() / 1000n) / 1000;

/** Lines begin with a line break, so that one cut short by a kill does not spoil the next. */
export function openHistory(path: string): HistoryWriter {
  const file = openSync(path, 'a');
  return {
    write: (event) => {
      writeSync(file, `\n${JSON.stringify({ at: monotonicMs(), pid: process.pid, ...event })}\n`);
    },
    close: () => closeSync(file),
  };
}
