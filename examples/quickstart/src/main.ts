// The quickstart, `npm run demo`: this process is T0 and starts the others. Exit code 0 means that all observations were as expected.
import { constants } from 'node:os';
import { complain } from './complain.ts';
import { runDemo } from './demo.ts';
import { readDemoSettings } from './settings.ts';

// A signal ends this process immediately; the other processes and the database notice it and end too.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => {
    console.error(`\nended by ${signal}`);
    process.exit(128 + constants.signals[signal]);
  });
}
// The reader has closed the pipe, as in `npm run demo | head`.
process.stdout.on('error', () => process.exit(1));

let exitCode: number;
try {
  exitCode = (await runDemo(readDemoSettings(process.env))) ? 0 : 1;
} catch (error) {
  exitCode = complain(error);
}
process.exit(exitCode);
