import { access, constants, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname } from 'node:path';
import { failure } from '../dev-database-error.ts';

const OTHERS_EXECUTE = 0o001;

/** Whether every user can enter this folder. */
export async function isReachableByOthers(folder: string): Promise<boolean> {
  const { mode } = await stat(folder);
  if ((mode & OTHERS_EXECUTE) === 0) return false;
  const parent = dirname(folder);
  return parent === folder || isReachableByOthers(parent);
}

/** A folder for temporary files that every user can enter. TMPDIR may be private to root. */
export async function sharedTempFolder(): Promise<string> {
  for (const folder of [tmpdir(), '/tmp', '/var/tmp']) {
    if (await isUsable(folder)) return folder;
  }
  throw failure(
    'FOLDER_NOT_WRITABLE',
    `Neither ${tmpdir()}, /tmp nor /var/tmp can be written to and reached by all users`,
  );
}

async function isUsable(folder: string): Promise<boolean> {
  try {
    await access(folder, constants.W_OK);
    return await isReachableByOthers(folder);
  } catch {
    return false; // missing or read-only: the next candidate is tried
  }
}
