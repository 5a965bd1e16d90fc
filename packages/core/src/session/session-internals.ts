import type { Scope } from '../context/scope.ts';
import { ConfigurationError } from '../error/intendant-error.ts';
import type { Executor } from '../exchange/executor.ts';
import type { RegisteredTable } from '../table/registered-table.ts';

/** A session, or a transaction, from the inside. */
export interface SessionInternals {
  /** The data store that it belongs to: for `internalsOf`, and to compare with. */
  readonly store: object;
  /** Runs in the session's transaction if it is one. Under `serviceScope` it reaches the framework's own tables. */
  readonly executor: Executor;
  readonly isTransaction: boolean;
  /** The scope for an operation on these tables. */
  scopeFor(tables: readonly RegisteredTable[]): Scope;
}

const sessions = new WeakMap<object, SessionInternals>();

/** Throws ConfigurationError for what is not a session of this copy of the package. */
export function sessionInternalsOf(session: object): SessionInternals {
  const internals = sessions.get(session);
  if (internals) return internals;
  throw new ConfigurationError(
    'the session was not made by a store of this copy of @intendant/core; if `npm ls @intendant/core` lists several copies, install one version of all Intendant packages',
  );
}

export const exposeSession = (session: object, internals: SessionInternals): void =>
  void sessions.set(session, internals);
