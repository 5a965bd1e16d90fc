import { PassThrough } from 'node:stream';
import type { ExitCode } from '../run/exit-code.ts';
import { run } from '../run/run.ts';

export interface CliResult {
  readonly exitCode: ExitCode;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CliOptions {
  readonly environment?: Readonly<Record<string, string>>;
  readonly folder?: string;
  /** The width of the terminal. Default: stdout and stderr are not a terminal. */
  readonly columns?: number;
  readonly signal?: AbortSignal;
  /** Called with each piece of stdout. */
  readonly onOutput?: (text: string) => void;
}

/** Runs the program in this process, as `main.ts` does in its own. */
export async function runCli(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  const { environment = {}, folder = '/', columns, signal = new AbortController().signal, onOutput } = options;
  const written = { stdout: '', stderr: '' };
  const output = (name: keyof typeof written) => ({
    write: (text: string) => {
      written[name] += text;
      if (name === 'stdout') onOutput?.(text);
    },
    ...(columns !== undefined && { isTTY: true, columns }),
  });
  const exitCode = await run(args, {
    stdin: new PassThrough(),
    stdout: output('stdout'),
    stderr: output('stderr'),
    environment,
    folder,
    signal,
  });
  return { exitCode, ...written };
}
