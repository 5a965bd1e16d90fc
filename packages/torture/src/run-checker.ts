import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import type { CheckResult } from './checker/check-history.ts';

const PROGRAM = fileURLToPath(new URL('./checker/main.ts', import.meta.url));

/** Runs the checker on a history, in a process of its own. */
export async function runChecker(history: string): Promise<CheckResult> {
  const args = ['--disable-warning=ExperimentalWarning', '--max-old-space-size=4096', PROGRAM, history];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const [output, errors] = await Promise.all([text(child.stdout), text(child.stderr)]);
  try {
    return JSON.parse(output) as CheckResult;
  } catch {
    throw new Error(`the checker failed: ${errors.slice(-2_000)}`);
  }
}
