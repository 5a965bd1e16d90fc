import { CITUS_VARIABLE, isOnCitus } from './citus-database.ts';
import { SERVER_VARIABLE } from './test-database.ts';
import { startTestServer } from './test-server.ts';

/** For vitest's `globalSetup`: one server for the whole run, or the one that DATABASE_URL names. None if all tests run on Citus. */
export default async function setup(): Promise<() => Promise<void>> {
  if (isOnCitus()) return async () => {};
  console.info(`The tests do not run on Citus: ${CITUS_VARIABLE} is not set.`);
  const server = await startTestServer();
  process.env[SERVER_VARIABLE] = server.url;
  return () => server.stop();
}
