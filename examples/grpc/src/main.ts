import { once } from 'node:events';
import { startDevDatabase } from '@intendant/devdb';
import { startServer } from './server.ts';

// APP_DATABASE_URL is the service's own database. Without it, one is started for as long as this runs.
const { APP_DATABASE_URL, APP_ADMIN_DATABASE_URL, PORT = '50051' } = process.env;
await using database = APP_DATABASE_URL === undefined ? await startDevDatabase() : undefined;
const databaseUrl = APP_DATABASE_URL ?? ((await database?.createDatabase('inventory')) as string);
await using server = await startServer({ databaseUrl, adminDatabaseUrl: APP_ADMIN_DATABASE_URL, port: Number(PORT) });
console.log(`listening on 127.0.0.1:${server.port}`);
await Promise.race([once(process, 'SIGTERM'), once(process, 'SIGINT')]);
