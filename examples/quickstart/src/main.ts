// The quickstart, `npm run demo`: this process is T0 and starts the others. Exit code 0 means that all of it was true.
import { constants } from 'node:os';
import { complain } from './complain.ts';
import { runDemo } from './demo.ts';
import { readDemoSettings } from './settings.ts';

// Whoever is told to end ends at once: the other processes and the database notice, and end themselves.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => {
    console.error(`\nended by ${signal}`);
    process.exit(128 + constants.signals[signal]);
  });
}
// Nobody reads on, as in `npm run demo | head`.
process.stdout.on('error', () => process.exit(1));

let exitCode: number;
try {
  exitCode = (await runDemo(readDemoSettings(process.env))) ? 0 : 1;
} catch (error) {
  exitCode = complain(error);
}
process.exit(exitCode);
