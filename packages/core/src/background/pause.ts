import { Bell } from './bell.ts';

/**
 * Resolves after a duration of any length, or as soon as the signal aborts. It never rejects. For loops that check
 * the signal themselves.
 */
export async function pause(durationMs: number, signal?: AbortSignal): Promise<void> {
  await new Bell().wait(durationMs, signal);
}
