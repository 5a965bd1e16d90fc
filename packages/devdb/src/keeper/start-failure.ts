import { DevDatabaseError, type DevDatabaseErrorCode, failure } from '../dev-database-error.ts';

const SAID_BY_POSTGRES: readonly (readonly [RegExp, DevDatabaseErrorCode, (context: StartContext) => string])[] = [
  [
    /lock file "postmaster\.pid" already exists/,
    'FOLDER_IN_USE',
    ({ folder }) => `${folder} is in use by another Postgres server`,
  ],
  [/Address already in use/, 'PORT_TAKEN', ({ port }) => `Port ${port} is taken by another program`],
  [
    /could not bind .*: Permission denied/,
    'FOLDER_NOT_WRITABLE',
    ({ port }) => `Port ${port} needs rights this user does not have`,
  ],
  [
    /No space left on device|Disk quota exceeded|could not extend file .*wrote only/,
    'DISK_FULL',
    ({ folder }) => `There is no space left for ${folder}`,
  ],
  [
    /Permission denied|Read-only file system/,
    'FOLDER_NOT_WRITABLE',
    ({ folder }) => `Postgres may not read or write ${folder}`,
  ],
  [
    /error while loading shared libraries|GLIBC_/,
    'UNSUPPORTED_PLATFORM',
    ({ last }) => `The embedded Postgres does not run on this system: ${last}`,
  ],
];

const SAID_BY_NODE: Readonly<Record<string, readonly [DevDatabaseErrorCode, string]>> = {
  EACCES: ['FOLDER_NOT_WRITABLE', 'No permission for'],
  EPERM: ['FOLDER_NOT_WRITABLE', 'No permission for'],
  EROFS: ['FOLDER_NOT_WRITABLE', 'On a read-only file system is'],
  ENOTDIR: ['FOLDER_UNUSABLE', 'Not a folder on the way to'],
  ENOENT: ['FOLDER_NOT_WRITABLE', 'No folder can be made at'],
  EEXIST: ['FOLDER_UNUSABLE', 'Not a folder is'],
  ENOSPC: ['DISK_FULL', 'There is no space left for'],
  EDQUOT: ['DISK_FULL', 'There is no space left for'],
};

interface StartContext {
  readonly folder: string;
  readonly port: number | null;
  /** The last line of the output. */
  readonly last: string;
}

/** Why initdb or postgres ended, from what they wrote. */
export function failureOfProgram(output: readonly string[], context: Omit<StartContext, 'last'>): DevDatabaseError {
  const said = output.join('\n');
  const last = output.findLast((line) => /FATAL|error/.test(line)) ?? output.at(-1) ?? 'it wrote nothing';
  for (const [pattern, code, describe] of SAID_BY_POSTGRES) {
    if (pattern.test(said)) return failure(code, describe({ ...context, last }));
  }
  return failure('START_FAILED', `Postgres did not start in ${context.folder}: ${last}`);
}

/** Why a call of the file system or a spawn failed. */
export function failureOfSystem(error: unknown, folder: string): DevDatabaseError {
  if (error instanceof DevDatabaseError) return error;
  const { code = '', path = folder, syscall = '', message } = error as NodeJS.ErrnoException;
  if (syscall.startsWith('spawn') && code === 'ENOENT') {
    return failure(
      'UNSUPPORTED_PLATFORM',
      'The embedded Postgres does not run on this system (a libc other than glibc?)',
      { cause: error },
    );
  }
  const known = code === 'ENOENT' && !syscall.startsWith('mk') ? undefined : SAID_BY_NODE[code];
  if (known !== undefined) return failure(known[0], `${known[1]} ${path}`, { cause: error });
  return failure('START_FAILED', `Postgres did not start in ${folder}: ${message}`, { cause: error });
}
