// Imported before a command (and before the processes it forks) so that none outlives the one that started it.
import { isMainThread } from 'node:worker_threads';
import { whenOrphaned } from './orphan-watch.mjs';

const EXIT_AFTER_MS = 4000;

if (isMainThread) {
  whenOrphaned(() => {
    setTimeout(() => process.exit(1), EXIT_AFTER_MS).unref();
    process.kill(process.pid, 'SIGTERM');
  });
}
