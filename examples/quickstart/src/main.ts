// The quickstart, `npm run demo`: this process is T0 and starts the others. Exit code 0 means that all observations were as expected.
import { constants } from 'node:os';
import { startDevDatabase } from '@intendant/devdb';
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
  const settings = readDemoSettings(process.env);
  const database = startDevDatabase({ fsync: false }); // Nobody needs its data after a power failure.
  database.catch(() => {}); // The demo waits for it.
  const { runDemo } = await import('./demo.ts'); // The modules are loaded while the database starts.
  exitCode = (await runDemo(settings, database)) ? 0 : 1;
} catch (error) {
  const { complain } = await import('./complain.ts');
  exitCode = complain(error);
}
process.exit(exitCode);
