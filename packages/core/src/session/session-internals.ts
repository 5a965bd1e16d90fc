import type { Scope } from '../context/scope.ts';
import { ConfigurationError } from '../error/intendant-error.ts';
import type { Executor } from '../exchange/executor.ts';
import type { AnyTable } from '../table/record-types.ts';
import type { RegisteredTable } from '../table/registered-table.ts';
import type { ChangingVerb } from './changing-verb.ts';

/** What sibling packages use of a session or a transaction. */
export interface SessionInternals {
  /** The data store that the session belongs to. An argument of `internalsOf`. */
  readonly store: object;
  /** Runs in the session's transaction if it is one. Under `serviceScope` it reaches the framework's own tables. */
  readonly executor: Executor;
  readonly isTransaction: boolean;
  /** The scope for an operation on these tables. */
  scopeFor(tables: readonly RegisteredTable[]): Scope;
}

/** What a session is made of. The store and a transaction each provide their own. */
export interface SessionParts extends SessionInternals {
  table(definition: AnyTable): RegisteredTable;
  /** Throws OperationNotAllowedError for a table whose records only another part may change. */
  checkChange(table: RegisteredTable, verb: ChangingVerb): void;
}

const sessions = new WeakMap<object, SessionInternals>();

/** Throws ConfigurationError for a value that is not a session of this copy of the package. */
export function sessionInternalsOf(session: object): SessionInternals {
  const internals = sessions.get(session);
  if (internals) return internals;
  throw new ConfigurationError(
    'the session was not made by a store of this copy of @intendant/core; if `npm ls @intendant/core` lists several copies, install one version of all Intendant packages',
  );
}

export const exposeSession = (session: object, internals: SessionInternals): void =>
  void sessions.set(session, internals);
