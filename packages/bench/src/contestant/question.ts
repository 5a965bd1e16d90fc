import type { ContestantOptions, Workload } from './contestant.ts';

/** What the bench asks a contestant's process; one at a time. */
export type Question =
  | { kind: 'open'; peer: string; options: ContestantOptions; firstWork: Workload | undefined }
  | { kind: 'run'; workload: Workload };

export type Answer = { result: unknown } | { error: string };

/** Errors cross the process border as text. */
export const messageOf = (error: unknown): string =>
  error instanceof Error ? (error.stack ?? error.message) : String(error);
