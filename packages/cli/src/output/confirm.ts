import { createInterface } from 'node:readline/promises';
import type { Writable } from 'node:stream';
import { wrongUse } from '../run/command-error.ts';
import type { Io } from '../run/io.ts';

/**
 * Asks for confirmation of an irreversible action. Without a terminal `--yes` is required.
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
