import { ERROR_CATALOGUE, type ErrorCode, type ErrorName } from './catalogue.ts';

export interface ErrorOptions {
  /** Facts for programs: table, key, revision, sqlState, issues … Never secrets or another tenant's data. */
  readonly details?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

/** What all errors of the framework extend. */
export abstract class IntendantError extends Error {
  readonly code: ErrorCode;
  readonly details: Readonly<Record<string, unknown>>;
  /** True when the same call may succeed if it is simply made again. */
  readonly retryable: boolean = false;

  constructor(name: ErrorName, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = name;
    this.code = ERROR_CATALOGUE[name].code;
    this.details = options.details ?? {};
  }
}

export class RecordNotFoundError extends IntendantError {
  constructor(message: string, options?: ErrorOptions) {
    super('RecordNotFoundError', message, options);
  }
}

export class RevisionConflictError extends IntendantError {
  constructor(message: string, options?: ErrorOptions) {
    super('RevisionConflictError', message, options);
  }
}

export class DuplicateRecordError extends IntendantError {
  constructor(message: string, options?: ErrorOptions) {
    super('DuplicateRecordError', message, options);
  }
}

export class OperationNotAllowedError extends IntendantError {
  constructor(message: string, options?: ErrorOptions) {
    super('OperationNotAllowedError', message, options);
  }
}

export class MissingContextError extends IntendantError {
  constructor(message: string, options?: ErrorOptions) {
    super('MissingContextError', message, options);
  }
}

export class MissingOrgIdError extends IntendantError {
  constructor(message: string, options?: ErrorOptions) {
    super('MissingOrgIdError', message, options);
  }
}

export class MissingInstanceIdError extends IntendantError {
  constructor(message: string, options?: ErrorOptions) {
    super('MissingInstanceIdError', message, options);
  }
}

export class InvalidRecordError extends IntendantError {
  constructor(message: string, options?: ErrorOptions) {
    super('InvalidRecordError', message, options);
  }
}

export class InvalidTokenError extends IntendantError {
  constructor(message: string, options?: ErrorOptions) {
    super('InvalidTokenError', message, options);
  }
}

export class TableNotRegisteredError extends IntendantError {
  constructor(message: string, options?: ErrorOptions) {
    super('TableNotRegisteredError', message, options);
  }
}

export class ConnectionError extends IntendantError {
  override readonly retryable = true;
  constructor(message: string, options?: ErrorOptions) {
    super('ConnectionError', message, options);
  }
}

export class ConfigurationError extends IntendantError {
  constructor(message: string, options?: ErrorOptions) {
    super('ConfigurationError', message, options);
  }
}

export class MarkingFailedError extends IntendantError {
  constructor(message: string, options?: ErrorOptions) {
    super('MarkingFailedError', message, options);
  }
}

export class NameInUseError extends IntendantError {
  constructor(message: string, options?: ErrorOptions) {
    super('NameInUseError', message, options);
  }
}

export class NameForgottenError extends IntendantError {
  constructor(message: string, options?: ErrorOptions) {
    super('NameForgottenError', message, options);
  }
}

export class TransactionConflictError extends IntendantError {
  override readonly retryable = true;
  constructor(message: string, options?: ErrorOptions) {
    super('TransactionConflictError', message, options);
  }
}

export class OperationCancelledError extends IntendantError {
  constructor(message: string, options?: ErrorOptions) {
    super('OperationCancelledError', message, options);
  }
}

export class DatabaseError extends IntendantError {
  constructor(message: string, options?: ErrorOptions) {
    super('DatabaseError', message, options);
  }
}
