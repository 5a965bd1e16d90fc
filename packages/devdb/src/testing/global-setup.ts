import { startDevDatabase } from '../dev-database.ts';
import { SERVER_VARIABLE, TEST_SETTINGS } from './test-database.ts';

/** For vitest's `globalSetup`: one server for the whole run, or the one that DATABASE_URL names. */
export default async function setup(): Promise<() => Promise<void>> {
  const server = await startDevDatabase({ fsync: false, settings: TEST_SETTINGS });
  process.env[SERVER_VARIABLE] = server.url;
  return () => server.stop();
}
