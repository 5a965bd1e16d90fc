import { spawn } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { startDevDatabase } from '@intendant/devdb';
import { withClient } from '@intendant/devdb/testing';

/** Whether a table with realized resources is registered. */
const HAS_RESOURCES = `select exists (select from pg_class where relname like 'overall\\_status\\_%') and
  to_regclass('intendant.enforcement_point') is not null as "hasResources"`;

/**
 * Runs an example on its own database, and beside it `intendant console`, which prints a link to its page. Both keep
 * running after the example has ended, until Ctrl-C.
 */
export async function withConsole(runExample: () => Promise<void>): Promise<void> {
  const interrupted = new Promise<void>((done) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => done());
  });
  const database = await startDevDatabase();
  process.env['DATABASE_URL'] = database.url; // The example uses this server.
  const ended = new AbortController();
  const open = openConsole(database.url, ended.signal);
  await runExample();
  console.log('\nThe example has ended; its database and the console stay until Ctrl-C.');
  await interrupted;
  ended.abort();
  await open;
  await database.stop();
}

async function openConsole(url: string, signal: AbortSignal): Promise<void> {
  const isReady = () =>
    withClient(
      url,
      async (client) => (await client.query<{ hasResources: boolean }>(HAS_RESOURCES)).rows[0]?.hasResources,
    );
  while (!signal.aborted && !(await isReady())) await delay(200);
  if (signal.aborted) return;
  const child = spawn(process.execPath, ['packages/cli/src/main.ts', 'console', '--port', '0'], { stdio: 'inherit' });
  signal.addEventListener('abort', () => child.kill('SIGTERM'), { once: true });
  await new Promise((done) => child.once('exit', done));
}
