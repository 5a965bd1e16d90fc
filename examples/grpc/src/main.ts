import { once } from 'node:events';
import { startDevDatabase } from '@intendant/devdb';
import { startServer } from './server.ts';

// APP_DATABASE_URL is the service's own database. If it is not set, a database is created: on the server of DATABASE_URL, or on
// a server from npm that runs as long as this process.
const { APP_DATABASE_URL, APP_ADMIN_DATABASE_URL, PORT = '50051' } = process.env;

async function main(): Promise<void> {
  const devDatabase = APP_DATABASE_URL === undefined ? await startDevDatabase() : undefined;
  try {
    await serve(APP_DATABASE_URL ?? ((await devDatabase?.createDatabase('inventory')) as string));
  } finally {
    await devDatabase?.stop();
  }
}

async function serve(databaseUrl: string): Promise<void> {
  const server = await startServer({ databaseUrl, adminDatabaseUrl: APP_ADMIN_DATABASE_URL, port: Number(PORT) });
  console.log(`listening on 127.0.0.1:${server.port}`);
  await Promise.race([once(process, 'SIGTERM'), once(process, 'SIGINT')]);
  await server.close();
}

await main().catch((error: Error) => {
  console.error(error.message);
  process.exitCode = 1;
});
