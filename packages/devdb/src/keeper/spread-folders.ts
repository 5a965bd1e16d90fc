import { execFile } from 'node:child_process';
import { mkdtemp, rename, rmdir } from 'node:fs/promises';
import { basename, join } from 'node:path';

/*
 * ext4 does not use the inode of a deleted file again for some minutes, and for each new file nearby it searches past all
 * of them. A cluster has a thousand files, so near deleted clusters a copy takes 1 s instead of 0.1 s, and `create database`
 * likewise. `chattr +T` asks ext4 to place the folders that are created in a folder far from each other.
 */

/** Sets the flag for folders that are created in this one later. Returns false where that is not possible: then nothing is changed. */
export const spreadFolders = (folder: string): Promise<boolean> =>
  new Promise((resolve) => {
    execFile('chattr', ['+T', folder], (error) => resolve(error === null));
  });

/** Makes a folder with a new name far from others, if the file system can do that. */
export async function makeDistantFolder(prefix: string, onTemporary: (path: string) => void): Promise<string> {
  const first = await mkdtemp(prefix);
  onTemporary(first);
  if (!(await spreadFolders(first))) return first;
  const inner = await mkdtemp(join(first, basename(prefix)));
  const path = join(first, '..', basename(inner));
  onTemporary(path);
  await rename(inner, path); // It stays where it is on the disk.
  await rmdir(first);
  return path;
}
