import { execFile } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { promisify } from 'node:util';
import { failure } from '../dev-database-error.ts';

const run = promisify(execFile);

/** The user that the server runs as; undefined for the user of this process. */
export type ServerUser = { readonly uid: number; readonly gid: number } | undefined;

export function isRoot(): boolean {
  return process.getuid?.() === 0;
}

/**
 * Returns the user for the server if this process is root, because Postgres refuses to run as root; otherwise undefined.
 * It is the owner of the existing data, if that is not root. Otherwise it is the first of the users `postgres` and `nobody`
 * that exists. If neither does, it is a new user `intendant-postgres`; throws DevDatabaseError if that cannot be created.
 */
export async function chooseServerUser(existingData: string | null): Promise<ServerUser> {
  if (!isRoot()) return undefined;
  if (existingData !== null) {
    const { uid, gid } = await stat(existingData);
    if (uid !== 0) return { uid, gid };
  }
  const user = (await findUser('postgres')) ?? (await findUser('nobody')) ?? (await createUser('intendant-postgres'));
  if (user !== undefined) return user;
  throw failure('NO_SERVER_USER', 'No user was found that Postgres can run as');
}

async function findUser(name: string): Promise<ServerUser> {
  try {
    const [uid, gid] = await Promise.all(
      ['-u', '-g'].map(async (flag) => Number((await run('id', [flag, name])).stdout)),
    );
    return uid && gid ? { uid, gid } : undefined;
  } catch {
    return undefined; // id exits with 1 for a user that doesn't exist
  }
}

async function createUser(name: string): Promise<ServerUser> {
  await run('useradd', ['--system', '--no-create-home', name]).catch(() => undefined);
  return findUser(name);
}
