// Imported before a command (and in the processes that it forks), so that none outlives its parent.
import { isMainThread } from 'node:worker_threads';
import { whenOrphaned } from './orphan-watch.mjs';

const EXIT_AFTER_MS = 4000;

if (isMainThread) {
  whenOrphaned(() => {
    setTimeout(() => process.exit(1), EXIT_AFTER_MS).unref();
    process.kill(process.pid, 'SIGTERM');
  });
}
