import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';

/*
 * Stands between the process that wants a database and Postgres, in a session of its own, and holds one end of a pipe.
 * However that process ends (exit, Ctrl-C, crash, kill -9), the pipe closes; then Postgres is shut down fast and a
 * temporary folder removed. So the parent needs no exit handlers, and none can be skipped.
 */

interface Orders {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly runAs?: { readonly uid: number; readonly gid: number };
  /** Removed at the end. */
  readonly temporaryFolder?: string;
}

/** How long a fast shutdown may take before an immediate one. */
const FAST_SHUTDOWN_MS = 4_000;

const orders = JSON.parse(process.argv[2] ?? '') as Orders;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});

const postgres = spawn(orders.command, orders.args, { ...orders.runAs, cwd: orders.cwd, stdio: ['ignore', 'inherit', 'inherit'] });
postgres.on('error', (error) => {
  process.stderr.write(`${error.message}\n`);
  finish(1);
});
postgres.on('exit', (code) => finish(code ?? 1));

process.stdin.resume();
process.stdin.on('error', stop);
process.stdin.on('end', stop);

function stop(): void {
  postgres.kill('SIGINT');
  setTimeout(() => postgres.kill('SIGQUIT'), FAST_SHUTDOWN_MS).unref();
}

function finish(code: number): void {
  if (orders.temporaryFolder !== undefined) rmSync(orders.temporaryFolder, { recursive: true, force: true, maxRetries: 5 });
  process.exit(code);
}
