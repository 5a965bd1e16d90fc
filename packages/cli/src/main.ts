#!/usr/bin/env node
// The program `intendant`: connects the process to `run`. Ctrl-C aborts; a second one ends the process at once.
import { EXIT } from './run/exit-code.ts';
import { run } from './run/run.ts';

const abort = new AbortController();

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    if (abort.signal.aborted) process.exit(EXIT[signal]);
    abort.abort(signal);
  });
}

// The reader closed the pipe, as in `intendant list vm | head`.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? EXIT.done : EXIT.failed));
}

const exitCode = await run(process.argv.slice(2), {
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  environment: process.env,
  folder: process.cwd(),
  signal: abort.signal,
});
// Does not wait for connections that are closing, but for output that is not written yet.
process.stdout.write('', () => process.exit(exitCode));
