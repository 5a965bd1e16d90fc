import type { Readable } from 'node:stream';

/** The part of a writable stream that is used here. */
export interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  /** Width of the terminal in characters. */
  readonly columns?: number;
}

/** The width of a terminal in characters, undefined if the stream is not a terminal. */
export const terminalWidth = ({ isTTY, columns = 80 }: Output): number | undefined =>
  isTTY === true ? columns : undefined;

/** The environment of a run of the program: the streams of the process, or those of a test. */
export interface Io {
  readonly stdin: Readable & { readonly isTTY?: boolean };
  readonly stdout: Output;
  readonly stderr: Output;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The working folder, which relative paths start from. */
  readonly folder: string;
  /** Aborts when the user interrupts; the reason is the signal's name. */
  readonly signal: AbortSignal;
}
