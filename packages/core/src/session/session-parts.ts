import type { DataStoreInternals, SessionInternals } from '../data-store-internals.ts';
import { OperationNotAllowedError } from '../error/intendant-error.ts';
import type { Executor } from '../exchange/executor.ts';
import type { SessionParts } from './session.ts';

/** What a session of this store is made of. */
export function sessionParts(
  internals: DataStoreInternals,
  executor: Executor,
  own: Pick<SessionInternals, 'scopeFor'> & Partial<SessionInternals>,
): SessionParts {
  return {
    store: internals.store,
    executor,
    isTransaction: executor.isTransaction,
    loginExecutor: { run: outsideTransaction },
    table: (definition) => internals.table(definition),
    ...own,
  };
}

const outsideTransaction = (): never => {
  throw new OperationNotAllowedError('statements as the login run inside a transaction alone');
};
