import {
  ConfigurationError,
  ConnectionError,
  DatabaseError,
  DuplicateRecordError,
  type ErrorOptions,
  IntendantError,
  InvalidRecordError,
  OperationCancelledError,
  OperationNotAllowedError,
  RevisionConflictError,
  TableNotRegisteredError,
  TransactionConflictError,
} from './intendant-error.ts';

/**
 * Raised by the revision trigger. The code is in a class that the SQL standard leaves to implementations and that
 * Postgres does not use.
 */
export const REVISION_CONFLICT_SQLSTATE = 'IN409';

/** Raised on Citus if a record on a node is behind what the coordinator has committed. */
export const UNSETTLED_SQLSTATE = 'IN503';

/** What the caller was doing, for the message: `insert`, `vm`, `{"id":"VM1"}`. */
export interface ErrorSubject {
  readonly operation: string;
  readonly table?: string | undefined;
  readonly key?: unknown;
}

interface PostgresError {
  readonly code: string;
  readonly message: string;
  readonly constraint?: string;
  readonly column?: string;
  readonly severity?: string;
  /** The server's function that raised the error. Messages are translated, and this is not. */
  readonly routine?: string;
}

type Translate = (message: string, options: ErrorOptions, error: PostgresError) => IntendantError;

/**
 * Poolers report their own errors with this code. Only their fixed texts are passed on.
 * https://github.com/pgbouncer/pgbouncer/search?q=disconnect_client
 */
const poolerRefused: Translate = (message, options, { message: words }) => {
  const [refused] = /unsupported startup parameter[\w :]*|no such (user|database)/.exec(words) ?? [];
  if (refused) return new ConfigurationError(`${message}: the pooler refused the connection: ${refused}`, options);
  const [limit] = /(query|transaction|idle_transaction)_timeout/.exec(words) ?? [];
  if (limit) return new OperationCancelledError(`${message}: the time limit ${limit} of the pooler ran out`, options);
  return new ConnectionError(`${message}: the pooler or the database closed the connection; retry`, options);
};

/** Citus: the coordinator got no connection to a node. */
const NODE_UNREACHABLE = 'ReportConnectionError';

/** Whether a node of Citus has not committed a transaction yet that the coordinator has committed: only its rows are affected. */
export const isUnsettled = (error: unknown): boolean =>
  error instanceof Error &&
  ((error as Partial<PostgresError>).code === UNSETTLED_SQLSTATE ||
    (error.cause !== undefined && isUnsettled(error.cause)));

/** Whether the coordinator of Citus could not reach a node: only orgs there are affected. */
export const isNodeLost = (error: unknown): boolean =>
  error instanceof Error &&
  (isFromLostNode(error as Partial<PostgresError>) || (error.cause !== undefined && isNodeLost(error.cause)));

/** Citus: the connection to a node broke during a statement. libpq has no code for it, and Citus passes on its words. */
const NODE_REPORTED = 'ReportResultError';
const BROKEN =
  /SSL SYSCALL|server closed the connection|invalid socket|no connection to the server|could not (send|receive) data/;

const isFromLostNode = ({ code, routine, message = '' }: Partial<PostgresError>): boolean =>
  routine === NODE_UNREACHABLE || (routine === NODE_REPORTED && code === 'XX000' && BROKEN.test(message));

const connectionLost: Translate = (message, options, error) =>
  new ConnectionError(
    isFromLostNode(error)
      ? `${message}: a node of the database cannot be reached, and some of the rows are there; orgs on other nodes are not affected; retry`
      : `${message}: the database closed the connection; retry`,
    options,
  );

const unsettled: Translate = (message, options) =>
  new ConnectionError(
    `${message}: a node of the database has not finished a transaction yet that changes this record; retry`,
    options,
  );

/** Citus: the coordinator connects to a node as the role in force, and no connection sees what another has not committed. */
const OTHER_ROLE = 'FindPlacementListConnection';

const otherRole = (message: string, options: ErrorOptions): IntendantError =>
  new OperationNotAllowedError(
    `${message}: on Citus, a transaction cannot use under one role what it has changed under another; name its tables, as in transaction(run, { tables: [vm] })`,
    options,
  );

const conflict: Translate = (message, options) =>
  new TransactionConflictError(`${message}: it conflicted with another transaction; run it again`, options);
const doesNotFit =
  (what: string): Translate =>
  (message, options) =>
    new InvalidRecordError(`${message}: ${what}`, options);

/** SQLSTATE, or its two-character class, to our error. https://www.postgresql.org/docs/current/errcodes-appendix.html */
const TRANSLATIONS: Record<string, Translate> = {
  [REVISION_CONFLICT_SQLSTATE]: (message, options) =>
    new RevisionConflictError(`${message}: the record is no longer at the revision given; read it again`, options),
  '23505': (message, options) =>
    new DuplicateRecordError(`${message}: a record with this key or these unique values exists already`, options),
  '23001': doesNotFit('other records still refer to it'),
  '23503': doesNotFit('a record it refers to is not there, or other records still refer to it'),
  [UNSETTLED_SQLSTATE]: unsettled,
  '42501': (message, options) =>
    new OperationNotAllowedError(`${message}: the caller's role has no right to do this`, options),
  '25006': (message, options) =>
    new OperationNotAllowedError(`${message}: the transaction or the database is read only`, options),
  '42P01': (message, options) =>
    new TableNotRegisteredError(`${message}: the table is missing in the database; call store.register first`, options),
  '57014': (message, options) =>
    new OperationCancelledError(`${message}: cancelled, or the time limit ran out`, options),
  '55P03': (message, options) => new OperationCancelledError(`${message}: the lock was not released in time`, options),
  '40001': conflict,
  '40P01': conflict,
  '57P01': connectionLost,
  '57P02': connectionLost,
  '57P03': (message, options) =>
    new ConnectionError(`${message}: the database is starting or stopping; retry`, options),
  '57P05': connectionLost,
  '25P03': connectionLost,
  '25P04': connectionLost,
  '53300': (message, options) => new ConnectionError(`${message}: the database has no free connection; retry`, options),
  '3D000': (message, options) => new ConfigurationError(`${message}: the database does not exist`, options),
  '28P01': (message, options) =>
    new ConfigurationError(`${message}: the database refused the user name or password`, options),
  '28000': (message, options) => new ConfigurationError(`${message}: the database refused this login`, options),
  '08P01': poolerRefused,
  '08': connectionLost,
  '54': doesNotFit('a value is too large for the database; a key or an indexed column can contain about 2,700 bytes'),
  '22': doesNotFit('a value is out of range or malformed'),
  '23': doesNotFit('a value breaks a rule of the table'),
};

export const TRANSLATED_SQLSTATES: readonly string[] = Object.keys(TRANSLATIONS);

const NETWORK_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ETIMEDOUT',
  'EPIPE',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOENT',
  'EACCES',
]);

/**
 * Translates an error of the driver, the pool or Postgres into an IntendantError. An IntendantError is returned unchanged,
 * and so is every other value (a bug, whatever a callback has thrown, even a value that throws when it is looked at).
 */
export function translateError(error: unknown, subject: ErrorSubject): unknown {
  try {
    return translated(error, subject);
  } catch {
    return error;
  }
}

function translated(error: unknown, subject: ErrorSubject): unknown {
  if (error instanceof IntendantError || !(error instanceof Error)) return error;
  const message = describe(subject);
  const details = {
    ...(subject.table !== undefined && { table: subject.table }),
    ...(subject.key !== undefined && { key: subject.key }),
  };
  if (isPostgresError(error)) {
    const facts = {
      sqlState: error.code,
      ...(error.constraint && { constraint: error.constraint }),
      ...(error.column && { column: error.column }),
    };
    return translatePostgres(error, message, { details: { ...details, ...facts }, cause: withoutData(error) });
  }
  if (isConnectionFailure(error)) {
    return new ConnectionError(`${message}: ${reason(error)}`, { details, cause: error });
  }
  return error;
}

function translatePostgres(error: PostgresError, message: string, options: ErrorOptions): IntendantError {
  if (error.routine === OTHER_ROLE) return otherRole(message, options);
  if (isFromLostNode(error)) return connectionLost(message, options, error);
  const translate = TRANSLATIONS[error.code] ?? TRANSLATIONS[error.code.slice(0, 2)];
  if (translate) return translate(message, options, error);
  return new DatabaseError(`${message}: ${error.message} (SQLSTATE ${error.code})`, options);
}

const describe = ({ operation, table, key }: ErrorSubject): string =>
  [operation, table, key === undefined ? undefined : printKey(key)].filter((part) => part !== undefined).join(' ');

/** A key, shortened for messages. */
export const printKey = (key: unknown): string =>
  JSON.stringify(key, (_field, value) => (typeof value === 'bigint' ? value.toString() : value)) ?? String(key);

const isPostgresError = (error: Error): error is Error & PostgresError =>
  'code' in error && typeof error.code === 'string' && 'severity' in error && /^[0-9A-Z]{5}$/.test(error.code);

/** pg and pg-pool throw plain errors with these words when a socket closes during a query or no client becomes free in time. */
const isConnectionFailure = (error: Error): boolean =>
  ('code' in error && NETWORK_CODES.has(String(error.code))) ||
  /^Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error|Client was closed|Connection ended|not queryable/i.test(
    error.message,
  ) ||
  (error instanceof AggregateError &&
    error.errors.some((inner) => inner instanceof Error && isConnectionFailure(inner)));

function reason(error: Error): string {
  if (/timeout exceeded when trying to connect/.test(error.message)) {
    return 'no connection came free in time; raise pool.max or acquireTimeoutMs, or hold transactions for less long';
  }
  const code = 'code' in error ? ` (${String(error.code)})` : '';
  return `the database cannot be reached or the connection broke${code}; retry`;
}

/** Postgres puts values of the row into `detail` and `where`. They are removed from the error that becomes our `cause`. */
function withoutData(error: Error & PostgresError): Error {
  const cause = new Error(error.code.startsWith('22') ? 'invalid value' : error.message);
  cause.name = 'PostgresError';
  const { code, severity, constraint, routine } = error;
  return Object.assign(cause, { code, severity, constraint, ...(routine !== undefined && { routine }) });
}
