import { once } from 'node:events';

const LONG_MS = 1_000_000_000;

/** Resolves when the user interrupts. Keeps the process alive until then; a signal listener alone does not. */
export async function untilInterrupted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const alive = setInterval(() => {}, LONG_MS);
  await once(signal, 'abort');
  clearInterval(alive);
}
