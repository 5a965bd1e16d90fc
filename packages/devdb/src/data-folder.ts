import { createHash, randomBytes } from 'node:crypto';
import {
  chmodSync, chownSync, existsSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, statSync, symlinkSync, writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { spawnSync } from 'node:child_process';
import { type Binaries, explainFileError } from './binaries.ts';
import { DevDatabaseError } from './dev-database-error.ts';

export interface DataFolder {
  /** Holds `pgdata`, the password and the log. */
  readonly path: string;
  readonly pgdata: string;
  readonly password: string;
  readonly isTemporary: boolean;
}

/** A folder with an initialized cluster: the one kept at `wanted`, or a temporary one. */
export function openDataFolder(binaries: Binaries, wanted: string | undefined): DataFolder {
  const path = wanted === undefined ? mkdtempSync(join(tmpdir(), 'intendant-db-')) : keptFolder(binaries, resolve(wanted));
  try {
    return initialize(binaries, path, wanted === undefined);
  } catch (error) {
    if (wanted === undefined) rmSync(path, { recursive: true, force: true });
    throw explainFileError(error, wanted ?? path);
  }
}

function initialize(binaries: Binaries, path: string, isTemporary: boolean): DataFolder {
  own(binaries, path, 0o700);
  const pgdata = join(path, 'pgdata');
  const passwordFile = join(path, 'password');
  if (!existsSync(join(pgdata, 'PG_VERSION'))) {
    writeFileSync(passwordFile, randomBytes(16).toString('hex'), { mode: 0o600 });
    own(binaries, passwordFile, 0o600);
    runInitdb(binaries, pgdata, passwordFile);
  }
  return { path, pgdata, isTemporary, password: readFileSync(passwordFile, 'utf8') };
}

function runInitdb({ home, runAs }: Binaries, pgdata: string, passwordFile: string): void {
  const { status, stderr, error } = spawnSync(
    join(home, 'bin', 'initdb'),
    ['-D', pgdata, '-U', 'postgres', `--pwfile=${passwordFile}`, '-A', 'scram-sha-256', '-E', 'UTF8',
     '--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8', '--no-sync', '-c', 'scram_iterations=64'],
    { ...runAs, cwd: dirname(pgdata), encoding: 'utf8' },
  );
  if (status === 0) return;
  rmSync(pgdata, { recursive: true, force: true });
  const reason = error?.message ?? stderr.trim();
  if (/No space left on device/.test(reason)) throw new DevDatabaseError('DISK_FULL', `no space left on the disk of ${pgdata}; free some`);
  throw new DevDatabaseError('START_FAILED', `initdb failed: ${reason}`, error);
}

function own({ runAs }: Binaries, path: string, mode: number): void {
  if (runAs) chownSync(path, runAs.uid, runAs.gid);
  chmodSync(path, mode);
}

/**
 * A kept folder is used where it is, unless we are root and the user that Postgres runs as cannot get to it (a checkout
 * in root's home): then a folder of root's in /var/tmp takes its place, and the one that was wanted points there.
 */
function keptFolder(binaries: Binaries, wanted: string): string {
  try {
    if (existsSync(wanted)) return lstatSync(wanted).isSymbolicLink() ? realpathSync(wanted) : checkedFolder(wanted);
    mkdirSync(dirname(wanted), { recursive: true });
    if (!binaries.runAs || isReachable(dirname(wanted))) {
      mkdirSync(wanted, { mode: 0o700 });
      return wanted;
    }
    const elsewhere = join('/var/tmp', `intendant-data-${createHash('sha256').update(wanted).digest('hex').slice(0, 12)}`);
    mkdirSync(elsewhere, { recursive: true, mode: 0o700 });
    symlinkSync(elsewhere, wanted);
    return elsewhere;
  } catch (error) {
    throw explainFileError(error, wanted);
  }
}

function checkedFolder(path: string): string {
  if (!statSync(path).isDirectory()) throw new DevDatabaseError('FOLDER_NOT_WRITABLE', `${path} is not a folder; choose another`);
  return path;
}

/** Every folder on the way lets others pass. */
function isReachable(path: string): boolean {
  for (let folder = realpathSync(path); ; folder = dirname(folder)) {
    if ((statSync(folder).mode & 0o001) === 0) return false;
    if (folder === dirname(folder)) return true;
  }
}
