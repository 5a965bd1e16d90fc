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

// Whoever read the output has had enough, as in `intendant list vm | head`.
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
// Connections that are still closing must not hold the process; output that is still under way must get out.
process.stdout.write('', () => process.exit(exitCode));
