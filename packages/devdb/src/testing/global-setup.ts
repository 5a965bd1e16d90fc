import { SERVER_VARIABLE } from './test-database.ts';
import { startTestServer } from './test-server.ts';

/** For vitest's `globalSetup`: one server for the whole run, or the one that DATABASE_URL names. */
export default async function setup(): Promise<() => Promise<void>> {
  const server = await startTestServer();
  process.env[SERVER_VARIABLE] = server.url;
  return () => server.stop();
}
