import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Makes the folder and its parents. Node's recursive mkdir is not used, because it never returns for a path in /proc. */
export async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return;
    if (code !== 'ENOENT' || dirname(path) === path) throw error;
    await makeFolder(dirname(path));
    await mkdir(path);
  }
}
