import { mkdtemp, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DevDatabase, startDevDatabase } from '../dev-database.ts';

/** The server settings of `startTestServer`, with which tests of all kinds can share one server. */
export const TEST_SETTINGS = {
  wal_level: 'logical',
  wal_writer_delay: 10, // Changes are decoded only after their WAL is flushed.
  max_connections: 300,
  max_replication_slots: 20,
  max_wal_senders: 20,
  max_locks_per_transaction: 256,
  deadlock_timeout: 100,
  // With a database for each spec file, it would spend its time on catalogs that are dropped a moment later.
  autovacuum_naptime: '1h',
};

/** The file system that Linux keeps in memory. */
const MEMORY_FOLDER = '/dev/shm';
const MIN_FREE_BYTES = 4 * 1024 ** 3;

/** Starts the Postgres server of a test run. Nothing of it is left after `stop`, or after the end of this process. */
export async function startTestServer(): Promise<DevDatabase> {
  const isExternal = Boolean(process.env['DATABASE_URL']);
  const place = isExternal ? {} : { dataDir: await newTestFolder('server'), persistent: false };
  return startDevDatabase({ ...place, fsync: false, settings: TEST_SETTINGS });
}

/**
 * Creates a folder for files that a test writes and reads often, such as a server's data. It is in memory if there is
 * enough of it: creating a database there takes a hundredth of a second, and up to a second on a slow disk.
 */
export async function newTestFolder(purpose: string): Promise<string> {
  const parent = (await hasRoom(MEMORY_FOLDER)) ? MEMORY_FOLDER : tmpdir();
  return mkdtemp(join(parent, `intendant-${purpose}-`));
}

async function hasRoom(folder: string): Promise<boolean> {
  try {
    const { bavail, bsize } = await statfs(folder);
    return Math.min(bavail * bsize, process.availableMemory()) >= MIN_FREE_BYTES;
  } catch {
    return false;
  }
}
