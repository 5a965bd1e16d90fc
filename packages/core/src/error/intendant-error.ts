import { ERROR_CATALOGUE, type ErrorCode, type ErrorName } from './catalogue.ts';

export interface ErrorOptions {
  /** Facts for programs: table, key, revision, sqlState, issues … Never secrets or another tenant's data. */
  readonly details?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

/** The base class of all errors of the framework. */
export abstract class IntendantError extends Error {
  /** The error's code, for programs. See docs/reference/errors.md. */
  readonly code: ErrorCode;
  /** Facts for programs, e.g. table, key, revision, sqlState. Never contains secrets or another tenant's data. */
  readonly details: Readonly<Record<string, unknown>>;
  /** True if the same call may succeed when it is repeated. */
  readonly retryable: boolean = false;

  /** `instanceof` is also asked about what functions of users have thrown: it is false for a value that throws when it is looked at. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    try {
      // biome-ignore lint/complexity/noThisInStatic: this is the class that was asked, which may be a subclass.
      return Function.prototype[Symbol.hasInstance].call(this, value);
    } catch {
      return false;
    }
  }

  constructor(name: ErrorName, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = name;
    this.code = ERROR_CATALOGUE[name].code;
    this.details = options.details ?? {};
  }
}

/** The caller can see no record with this key: it does not exist, is soft-deleted, or is another tenant's. */
export class RecordNotFoundError extends IntendantError {
  constructor(message: string, options?: ErrorOptions) {
    super('RecordNotFoundError', message, options);
  }
}

/** The stored revision is not the given one: the record was changed since it was read. */
export class RevisionConflictError extends IntendantError {
  constructor(message: string, options?: ErrorOptions) {
    super('RevisionConflictError', message, options);
  }
}

/** A record with this key, or with the same unique values, already exists, possibly soft-deleted. */
export class DuplicateRecordError extends IntendantError {
  constructor(message: string, options?: ErrorOptions) {
    super('DuplicateRecordError', message, options);
  }
}

/** The caller's role lacks the right, or the record belongs to another tenant or instance. */
export class OperationNotAllowedError extends IntendantError {
  constructor(message: string, options?: ErrorOptions) {
    super('OperationNotAllowedError', message, options);
  }
}

/** A session was requested without a context. */
export class MissingContextError extends IntendantError {
  constructor(message: string, options?: ErrorOptions) {
    super('MissingContextError', message, options);
  }
}

/** The context names no org, and its database role is limited to one org. */
export class MissingOrgIdError extends IntendantError {
  constructor(message: string, options?: ErrorOptions) {
    super('MissingOrgIdError', message, options);
  }
}

/** The context names no instance, and the table needs one. */
export class MissingInstanceIdError extends IntendantError {
  constructor(message: string, options?: ErrorOptions) {
    super('MissingInstanceIdError', message, options);
  }
}

/** A record, key, filter or order does not fit the table, or stored bytes cannot be decoded. */
export class InvalidRecordError extends IntendantError {
  constructor(message: string, options?: ErrorOptions) {
    super('InvalidRecordError', message, options);
  }
}

/** A bearer token is missing, malformed, expired, revoked or not from the configured issuer and audience. */
export class InvalidTokenError extends IntendantError {
  constructor(message: string, options?: ErrorOptions) {
    super('InvalidTokenError', message, options);
  }
}

/** The table was not passed to `register`, or does not exist in the database. */
export class TableNotRegisteredError extends IntendantError {
  constructor(message: string, options?: ErrorOptions) {
    super('TableNotRegisteredError', message, options);
  }
}

/** The database cannot be reached, the connection broke, or no pooled connection became free in time. */
export class ConnectionError extends IntendantError {
  override readonly retryable = true;
  constructor(message: string, options?: ErrorOptions) {
    super('ConnectionError', message, options);
  }
}

/** An option, a definition or an environment variable is missing or wrong. */
export class ConfigurationError extends IntendantError {
  constructor(message: string, options?: ErrorOptions) {
    super('ConfigurationError', message, options);
  }
}

/** A status could not be marked: the resource does not exist at the given revision. */
export class MarkingFailedError extends IntendantError {
  constructor(message: string, options?: ErrorOptions) {
    super('MarkingFailedError', message, options);
  }
}

/** A durable subscription cannot be removed while subscriptions run under its name. */
export class NameInUseError extends IntendantError {
  constructor(message: string, options?: ErrorOptions) {
    super('NameInUseError', message, options);
  }
}

/** The name of a durable subscription was removed while the subscription was running. It has ended. */
export class NameForgottenError extends IntendantError {
  constructor(message: string, options?: ErrorOptions) {
    super('NameForgottenError', message, options);
  }
}

/** The database aborted the transaction because of a deadlock or a serialization failure. */
export class TransactionConflictError extends IntendantError {
  override readonly retryable = true;
  constructor(message: string, options?: ErrorOptions) {
    super('TransactionConflictError', message, options);
  }
}

/** The caller aborted the operation, or its time limit expired. */
export class OperationCancelledError extends IntendantError {
  constructor(message: string, options?: ErrorOptions) {
    super('OperationCancelledError', message, options);
  }
}

/** Postgres refused a statement for a reason that has no class here; see `details.sqlState` and `cause`. */
export class DatabaseError extends IntendantError {
  constructor(message: string, options?: ErrorOptions) {
    super('DatabaseError', message, options);
  }
}
