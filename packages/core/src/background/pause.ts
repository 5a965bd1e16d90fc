import { Bell } from './bell.ts';

/**
 * Resolves after a time of any length, or as soon as the signal aborts; it never rejects. For loops that look at the
 * signal themselves.
 */
export async function pause(durationMs: number, signal?: AbortSignal): Promise<void> {
  await new Bell().wait(durationMs, signal);
}
