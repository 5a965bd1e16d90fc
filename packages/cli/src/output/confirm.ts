import { createInterface } from 'node:readline/promises';
import type { Writable } from 'node:stream';
import { wrongUse } from '../run/command-error.ts';
import type { Io } from '../run/io.ts';

/**
 * Asks before something that cannot be taken back. Without a terminal nobody can answer, so `--yes` is needed there.
 * Returns whether to go on.
 */
export async function confirm(io: Io, question: string, isSure: boolean): Promise<boolean> {
  if (isSure) return true;
  if (io.stdin.isTTY !== true || io.stderr.isTTY !== true)
    throw wrongUse(`${question} Add --yes to confirm; there is no terminal to ask at`);
  const lines = createInterface({ input: io.stdin, output: io.stderr as unknown as Writable });
  try {
    const answer = await lines.question(`${question} [y/N] `, { signal: io.signal });
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    lines.close();
  }
}
