import { DevDatabaseError, type DevDatabaseErrorCode, failure } from '../dev-database-error.ts';

/** Lines in the output of initdb and postgres, and what they mean. */
const POSTGRES_FAILURES: readonly (readonly [RegExp, DevDatabaseErrorCode, (context: StartContext) => string])[] = [
  [
    /lock file "postmaster\.pid" already exists/,
    'FOLDER_IN_USE',
    ({ folder }) => `${folder} is in use by another Postgres server`,
  ],
  [/Address already in use/, 'PORT_TAKEN', ({ port }) => `Port ${port} is taken by another program`],
  [
    /could not bind .*: Permission denied/,
    'FOLDER_NOT_WRITABLE',
    ({ port }) => `This user has no permission to listen on port ${port}`,
  ],
  [
    /No space left on device|Disk quota exceeded|could not extend file .*wrote only/,
    'DISK_FULL',
    ({ folder }) => `There is no space left for ${folder}`,
  ],
  [
    /Permission denied|Read-only file system/,
    'FOLDER_NOT_WRITABLE',
    ({ folder }) => `Postgres has no permission to read and write ${folder}`,
  ],
  [
    /error while loading shared libraries|GLIBC_/,
    'UNSUPPORTED_PLATFORM',
    ({ last }) => `The embedded Postgres does not run on this system: ${last}`,
  ],
];

/** Error codes of the file system, with the beginning of the message; the path follows. */
const FILE_SYSTEM_FAILURES: Readonly<Record<string, readonly [DevDatabaseErrorCode, string]>> = {
  EACCES: ['FOLDER_NOT_WRITABLE', 'This user has no permission for'],
  EPERM: ['FOLDER_NOT_WRITABLE', 'This user has no permission for'],
  EROFS: ['FOLDER_NOT_WRITABLE', 'The file system is read-only at'],
  ENOTDIR: ['FOLDER_UNUSABLE', 'A parent is a file, not a folder, in the path'],
  ENOENT: ['FOLDER_NOT_WRITABLE', 'A folder cannot be created at'],
  EEXIST: ['FOLDER_UNUSABLE', 'There is a file, not a folder, at'],
  ENOSPC: ['DISK_FULL', 'There is no space left for'],
  EDQUOT: ['DISK_FULL', 'There is no space left for'],
};

interface StartContext {
  readonly folder: string;
  readonly port: number | null;
  /** The last line of the output. */
  readonly last: string;
}

/** Returns the error for a program (initdb or postgres) that failed, from its output. */
export function failureOfProgram(output: readonly string[], context: Omit<StartContext, 'last'>): DevDatabaseError {
  const text = output.join('\n');
  const last = output.findLast((line) => /FATAL|error/.test(line)) ?? output.at(-1) ?? 'it wrote nothing';
  for (const [pattern, code, describe] of POSTGRES_FAILURES) {
    if (pattern.test(text)) return failure(code, describe({ ...context, last }));
  }
  return failure('START_FAILED', `Postgres did not start in ${context.folder}: ${last}`);
}

/** Returns the error for a call of the file system, or the start of a program, that failed. */
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
  const known = code === 'ENOENT' && !syscall.startsWith('mk') ? undefined : FILE_SYSTEM_FAILURES[code];
  if (known !== undefined) return failure(known[0], `${known[1]} ${path}`, { cause: error });
  return failure('START_FAILED', `Postgres did not start in ${folder}: ${message}`, { cause: error });
}
