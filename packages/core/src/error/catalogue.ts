/**
 * Every error that the framework throws: its code, the matching HTTP status, when it is thrown and what to do.
 * docs/reference/errors.md shows the same table; a test compares the two.
 */
export const ERROR_CATALOGUE = {
  RecordNotFoundError: {
    code: 'RECORD_NOT_FOUND',
    httpStatus: 404,
    when: 'No record with this key is visible to the caller: it does not exist, is soft-deleted, or belongs to another tenant.',
    cure: 'Check the key and the context; pass `includeDeleted` to see soft-deleted records.',
  },
  RevisionConflictError: {
    code: 'REVISION_CONFLICT',
    httpStatus: 409,
    when: 'The record was changed since it was read: the revision given is not the stored one.',
    cure: 'Read the record again, apply the change to what you read, and write that.',
  },
  DuplicateRecordError: {
    code: 'DUPLICATE_RECORD',
    httpStatus: 409,
    when: 'A record with this key, or with the same unique values, exists already, perhaps soft-deleted.',
    cure: 'Choose another key, or use `upsert`.',
  },
  OperationNotAllowedError: {
    code: 'OPERATION_NOT_ALLOWED',
    httpStatus: 403,
    when: "The caller names another tenant's or instance's record, or its role lacks the right.",
    cure: 'Act with the context of the owner, or map the role to a wider database role at register.',
  },
  MissingContextError: {
    code: 'MISSING_CONTEXT',
    httpStatus: 401,
    when: 'A session was requested without a context.',
    cure: 'Pass the context: `store.as({ orgId, roles, instanceId })`.',
  },
  MissingOrgIdError: {
    code: 'MISSING_ORG_ID',
    httpStatus: 401,
    when: 'The context names no org, and its role is limited to one org.',
    cure: 'Put `orgId` into the context, or use a role that is not scoped to an org.',
  },
  MissingInstanceIdError: {
    code: 'MISSING_INSTANCE_ID',
    httpStatus: 400,
    when: 'The context names no instance, the store has an instancer, and the table has instances.',
    cure: 'Put `instanceId` into the context.',
  },
  InvalidRecordError: {
    code: 'INVALID_RECORD',
    httpStatus: 400,
    when: 'A record, key, filter or order does not fit the table, or stored bytes cannot be read back.',
    cure: 'Fix the fields in `details.issues`.',
  },
  InvalidTokenError: {
    code: 'INVALID_TOKEN',
    httpStatus: 401,
    when: 'A bearer token is missing, malformed, expired, not signed by a known key, or issued for another audience.',
    cure: 'Get a new token from the issuer; `details.reason` says what was wrong with this one.',
  },
  TableNotRegisteredError: {
    code: 'TABLE_NOT_REGISTERED',
    httpStatus: 500,
    when: 'A table is used that this store has not registered, or that is missing in the database.',
    cure: 'Call `store.register([table])` first.',
  },
  ConnectionError: {
    code: 'CONNECTION',
    httpStatus: 503,
    when: 'The database cannot be reached, the connection broke, or no connection became free in time.',
    cure: 'Retry: `retryable` is true. A write that was running may have been committed.',
  },
  ConfigurationError: {
    code: 'CONFIGURATION',
    httpStatus: 500,
    when: 'An option, a definition or an environment variable is missing or wrong.',
    cure: 'Fix the setting named in the message.',
  },
  MarkingFailedError: {
    code: 'MARKING_FAILED',
    httpStatus: 409,
    when: 'A status could not be marked: the resource is not there at that revision.',
    cure: 'Look at `cause`; realize the newest revision.',
  },
  NameInUseError: {
    code: 'NAME_IN_USE',
    httpStatus: 409,
    when: '`forget` was called for a durable name while subscriptions with this name are open.',
    cure: 'Close them first, in all processes; or pass `{ force: true }`, which ends them with NameForgottenError.',
  },
  NameForgottenError: {
    code: 'NAME_FORGOTTEN',
    httpStatus: 410,
    when: 'The name of a durable subscription was removed while the subscription was running. The subscription has ended.',
    cure: 'Nothing, if the removal was intended. Otherwise subscribe again; `details.position` says from where.',
  },
  TransactionConflictError: {
    code: 'TRANSACTION_CONFLICT',
    httpStatus: 503,
    when: 'The database ended the transaction because it conflicted with another one: a deadlock or a serialization failure.',
    cure: 'Run the whole transaction again, or set the option `retries`.',
  },
  OperationCancelledError: {
    code: 'OPERATION_CANCELLED',
    httpStatus: 504,
    when: 'The caller aborted, or a time limit ran out.',
    cure: 'None is needed after an abort. After a timeout, raise the limit.',
  },
  DatabaseError: {
    code: 'DATABASE',
    httpStatus: 500,
    when: 'Postgres rejected a statement for a reason that has no error class of its own.',
    cure: 'Look at `details.sqlState` and `cause`.',
  },
} as const satisfies Record<string, { code: string; httpStatus: number; when: string; cure: string }>;

/** The class name of an error: `RecordNotFoundError`. */
export type ErrorName = keyof typeof ERROR_CATALOGUE;
/** The code of an error, for programs: `RECORD_NOT_FOUND`. Codes do not change between versions. */
export type ErrorCode = (typeof ERROR_CATALOGUE)[ErrorName]['code'];
