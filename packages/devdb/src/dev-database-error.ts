export type DevDatabaseErrorCode =
  | 'UNSUPPORTED_PLATFORM'
  | 'FOLDER_IN_USE'
  | 'FOLDER_NOT_WRITABLE'
  | 'PORT_TAKEN'
  | 'DISK_FULL'
  | 'UNREACHABLE'
  | 'START_FAILED';

/** Why a development database did not start, in one sentence that says what to do. */
export class DevDatabaseError extends Error {
  readonly code: DevDatabaseErrorCode;

  constructor(code: DevDatabaseErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'DevDatabaseError';
    this.code = code;
  }
}
