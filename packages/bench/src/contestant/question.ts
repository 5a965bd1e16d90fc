import type { ContestantOptions, Workload } from './contestant.ts';

/** A request to a contestant's process; one at a time. */
export type Question =
  | { kind: 'open'; peer: string; options: ContestantOptions; firstWork: Workload | undefined }
  | { kind: 'run'; workload: Workload };

export type Answer = { result: unknown } | { error: string };

/** Errors are sent between processes as text. */
export const messageOf = (error: unknown): string =>
  error instanceof Error ? (error.stack ?? error.message) : String(error);
