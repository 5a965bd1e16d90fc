import { randomBytes } from 'node:crypto';
import {
  chmod,
  chown,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  realpath,
  rename,
  rm,
  rmdir,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { failure } from '../dev-database-error.ts';
import { makeFolder } from './make-folder.ts';
import { isReachableByOthers, sharedTempFolder } from './reachable.ts';
import { chooseServerUser, isRoot, type ServerUser } from './server-user.ts';
import { makeDistantFolder, spreadFolders } from './spread-folders.ts';

const MAJOR_VERSION = '18';
const PASSWORD_FILE = 'intendant-devdb.password';
/** The data of folders that only root can enter is here, because the server's user cannot enter them. */
const DATA_OF_PRIVATE_FOLDERS = '/var/lib/intendant';

export interface DataFolder {
  readonly path: string;
  readonly user: ServerUser;
  readonly password: string;
}

/** Makes a data folder with a database cluster. `onTemporary` receives paths to delete if this process is stopped before the end. */
export type MakeCluster = (folder: string, user: ServerUser, passwordFile: string) => Promise<void>;

export async function temporaryDataFolder(
  makeCluster: MakeCluster,
  onTemporary: (path: string) => void,
): Promise<DataFolder> {
  const user = await chooseServerUser(null);
  const parent = isRoot() ? await sharedTempFolder() : tmpdir();
  const path = await makeDistantFolder(join(parent, 'intendant-data-'), onTemporary);
  return fill(path, user, makeCluster);
}

/** Opens the cluster in the folder, or makes one if the folder is empty or missing. */
export async function keptDataFolder(
  requested: string,
  makeCluster: MakeCluster,
  onTemporary: (path: string) => void,
): Promise<DataFolder> {
  await makeFolder(dirname(requested));
  if (await holdsCluster(requested)) return openCluster(await realpath(requested));
  const user = await chooseServerUser(null);
  const path = await placeFor(requested);
  // Made beside its final place and then renamed, so that an interrupted start leaves no incomplete folder.
  const fresh = await mkdtemp(join(dirname(path), `.${basename(path)}-`)).catch((error: Error) => {
    throw Object.assign(error, { path: requested });
  });
  onTemporary(fresh);
  const filled = await fill(fresh, user, makeCluster);
  await moveInto(fresh, path);
  return { ...filled, path };
}

async function holdsCluster(folder: string): Promise<boolean> {
  const link = await lstat(folder).catch(() => undefined);
  if (link === undefined) return false;
  const target = await stat(folder).catch(() => undefined);
  if (!target?.isDirectory()) throw failure('FOLDER_UNUSABLE', `${folder} is not a folder`);
  const entries = await readdir(folder);
  if (entries.length === 0) return false;
  if (!entries.includes('PG_VERSION')) {
    throw failure('FOLDER_UNUSABLE', `${folder} is not empty, and does not contain a Postgres database`);
  }
  return true;
}

async function openCluster(path: string): Promise<DataFolder> {
  const version = (await readFile(join(path, 'PG_VERSION'), 'utf8')).trim();
  if (version !== MAJOR_VERSION) {
    throw failure('FOLDER_UNUSABLE', `${path} was made by Postgres ${version}, and this is Postgres ${MAJOR_VERSION}`);
  }
  const password = await readFile(join(path, PASSWORD_FILE), 'utf8').catch((cause: unknown) => {
    throw failure('FOLDER_UNUSABLE', `${path} contains a Postgres database that devdb did not create`, { cause });
  });
  const user = await chooseServerUser(path);
  if (isRoot() && user?.uid !== 0 && !(await isReachableByOthers(dirname(path)))) {
    throw failure(
      'FOLDER_NOT_WRITABLE',
      `Root can't run Postgres, and the owner of ${path} can't reach it from here. Run as its owner`,
    );
  }
  return { path, user, password };
}

/** Where the data goes: the requested folder, or, if only root can enter that, another folder that it becomes a link to. */
async function placeFor(requested: string): Promise<string> {
  const parent = await realpath(dirname(requested));
  if (!isRoot() || (await isReachableByOthers(parent))) return join(parent, basename(requested));
  await mkdir(DATA_OF_PRIVATE_FOLDERS, { recursive: true, mode: 0o755 });
  const place = await mkdtemp(join(DATA_OF_PRIVATE_FOLDERS, `${basename(requested)}-`));
  await rmdir(requested).catch(ignoreMissing);
  await symlink(place, requested);
  return place;
}

async function fill(path: string, user: ServerUser, makeCluster: MakeCluster): Promise<DataFolder> {
  const password = randomBytes(24).toString('base64url');
  // Beside the cluster at first, because initdb needs an empty folder.
  const passwordFile = `${path}.password`;
  try {
    await writeFile(passwordFile, password, { mode: 0o600 });
    await changeOwner(passwordFile, user);
    await changeOwner(path, user);
    await makeCluster(path, user, passwordFile);
    await rename(passwordFile, join(path, PASSWORD_FILE));
    await spreadFolders(join(path, 'base')); // Each database is a folder in it.
  } finally {
    await rm(passwordFile, { force: true });
  }
  await chmod(path, 0o700);
  return { path, user, password };
}

async function changeOwner(path: string, user: ServerUser): Promise<void> {
  if (user !== undefined) await chown(path, user.uid, user.gid);
}

async function moveInto(fresh: string, path: string): Promise<void> {
  try {
    await rename(fresh, path);
  } catch (cause) {
    await rm(fresh, { recursive: true, force: true });
    throw failure('FOLDER_IN_USE', `Another process has just put data into ${path}`, { cause });
  }
}

function ignoreMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error;
}
