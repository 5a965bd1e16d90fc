import { CommanderError } from 'commander';
import { wrapped } from '../output/wrapped.ts';
import { makeProgram } from '../program.ts';
import { Cli } from './cli.ts';
import { EXIT, type ExitCode } from './exit-code.ts';
import { explainError } from './explain-error.ts';
import { type Io, terminalWidth } from './io.ts';

/** Runs one command line, e.g. `['list', 'vm', '--json']`, and returns the exit code. Never throws. */
export async function run(argv: readonly string[], io: Io): Promise<ExitCode> {
  const cli = new Cli(io);
  try {
    return await Promise.race([execute(cli, argv), interrupted(cli)]);
  } catch (error) {
    return fail(io, error);
  }
}

async function execute(cli: Cli, argv: readonly string[]): Promise<ExitCode> {
  const { signal } = cli.io;
  try {
    await makeProgram(cli).parseAsync([...argv], { from: 'user' });
    return cli.exitCode;
  } catch (error) {
    if (signal.aborted && !cli.stopsOnSignal) return EXIT[signal.reason as 'SIGINT'];
    throw error;
  }
}

/** Resolves when a command that does not stop by itself was interrupted. Its work is abandoned. */
function interrupted(cli: Cli): Promise<ExitCode> {
  const { signal } = cli.io;
  return new Promise((resolve) => {
    const settle = () => cli.stopsOnSignal || resolve(EXIT[signal.reason as 'SIGINT']);
    if (signal.aborted) settle();
    else signal.addEventListener('abort', settle, { once: true });
  });
}

function fail(io: Io, error: unknown): ExitCode {
  if (isCtrlC(error)) {
    io.stderr.write('\n'); // The cursor is still on the line of the question.
    return EXIT.SIGINT;
  }
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.wrongUse;
  const { line, exitCode } = explainError(error);
  io.stderr.write(`${wrapped(`intendant: ${line}`, terminalWidth(io.stderr))}\n`);
  if (io.environment['INTENDANT_DEBUG'] && error instanceof Error) io.stderr.write(`${error.stack}\n`);
  return exitCode;
}

/** During a question the terminal is in raw mode, so readline turns Ctrl-C into an error, not a signal. */
const isCtrlC = (error: unknown): boolean => error instanceof Error && error.name === 'AbortError';
