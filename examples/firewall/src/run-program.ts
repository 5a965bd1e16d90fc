import { execFile } from 'node:child_process';

/** How long a program may take: none of those used here should need a second. */
const TIMEOUT_MS = 10_000;

export interface RunOptions {
  /** Text for its standard input. Default: nothing. */
  readonly input?: string;
  readonly signal?: AbortSignal;
}

/** Runs a program and returns what it printed. Throws with the program's own message when it fails. */
export function runProgram(
  program: string,
  args: readonly string[],
  { input = '', signal }: RunOptions = {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { timeout: TIMEOUT_MS, ...(signal && { signal }) };
    const child = execFile(program, args, options, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(new Error(stderr.trim() || error.message, { cause: error }));
    });
    child.stdin?.on('error', () => {}); // The program ended before it read everything; its exit code says why.
    child.stdin?.end(input);
  });
}
