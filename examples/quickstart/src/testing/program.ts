import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { eventually } from '@intendant/devdb/testing';

const SOURCES = fileURLToPath(new URL('..', import.meta.url));

type Environment = Readonly<Record<string, string | undefined>>;

/** A program of this example, run as its user runs it: its output, and how it ends. */
export class Program {
  readonly process: ChildProcess;
  readonly #errors: Promise<string>;
  #output = '';

  /** A file in `src`, or the text of a program. */
  constructor(script: string | { readonly source: string }, environment: Environment = {}) {
    const args =
      typeof script === 'string' ? [join(SOURCES, script)] : ['--input-type=module-typescript', '-e', script.source];
    this.process = spawn(process.execPath, args, {
      cwd: SOURCES,
      env: { ...process.env, NODE_OPTIONS: '', NO_COLOR: '1', ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const { stdout, stderr } = this.process;
    if (stdout === null || stderr === null) throw new TypeError('a program without pipes');
    stdout.setEncoding('utf8').on('data', (chunk) => (this.#output += chunk));
    this.#errors = text(stderr);
  }

  get output(): string {
    return this.#output;
  }

  /** Resolves when it has written a matching line. */
  wrote(pattern: RegExp): Promise<void> {
    return eventually(
      () => {
        if (!pattern.test(this.#output)) throw new Error(`nothing like ${pattern} in:\n${this.#output}`);
      },
      { timeoutMs: 90_000 },
    );
  }

  /** Resolves when it has ended, with its exit code or signal, and what it wrote to stderr. */
  async ended(): Promise<{ end: number | NodeJS.Signals | null; errors: string }> {
    const { exitCode, signalCode } = this.process;
    const [code, signal] =
      exitCode === null && signalCode === null
        ? ((await once(this.process, 'exit')) as [number | null, NodeJS.Signals | null])
        : [exitCode, signalCode];
    return { end: code ?? signal, errors: await this.#errors };
  }
}
