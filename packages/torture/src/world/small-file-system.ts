import { execFileSync } from 'node:child_process';
import { chmod, mkdtemp, rm, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A file system that can be filled. Disposing it unmounts it. */
export interface SmallFileSystem extends AsyncDisposable {
  readonly folder: string;
  /** Fills all free space. */
  fill(): Promise<void>;
  /** Frees the space again. */
  empty(): Promise<void>;
}

/** Why this machine cannot mount it; undefined if it can. */
export function whyNoSmallFileSystem(): string | undefined {
  if (process.platform !== 'linux' || process.getuid?.() !== 0)
    return 'only root on Linux can mount a small file system';
  try {
    execFileSync('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt'], { stdio: 'ignore' });
    return undefined;
  } catch {
    return 'this machine allows no mounts';
  }
}

/** Mounts a file system of this size in memory. */
export async function smallFileSystem(megabytes: number): Promise<SmallFileSystem> {
  const folder = await mkdtemp(join(tmpdir(), 'intendant-disk-'));
  await chmod(folder, 0o755);
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m,mode=777`, 'tmpfs', folder]);
  const filler = join(folder, 'filler');
  return {
    folder,
    fill: async () => {
      const { bavail, bsize } = await statfs(folder);
      await writeFile(filler, Buffer.alloc(bavail * bsize)).catch(() => {}); // The error means that it is full, as wanted.
    },
    empty: () => rm(filler, { force: true }),
    [Symbol.asyncDispose]: async () => {
      execFileSync('umount', ['--lazy', folder]);
      await rm(folder, { recursive: true, force: true });
    },
  };
}
