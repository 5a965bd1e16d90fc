import type { Executor } from '../exchange/executor.ts';
import type { StoreExchange } from '../exchange/store-exchange.ts';
import type { AnyTable } from '../table/record-types.ts';
import type { RegisteredTable } from '../table/registered-table.ts';
import type { ChangingVerb } from './changing-verb.ts';
import type { SessionInternals, SessionParts } from './session-internals.ts';

/** What sessions and transactions need of their store. */
export interface StoreParts {
  readonly store: object;
  readonly exchange: StoreExchange;
  table(definition: AnyTable): RegisteredTable;
  checkChange(table: RegisteredTable, verb: ChangingVerb): void;
}

/** Makes the parts of a session of this store. */
export function sessionParts(
  internals: StoreParts,
  executor: Executor,
  own: Pick<SessionInternals, 'scopeFor'> & Partial<SessionInternals>,
): SessionParts {
  return {
    store: internals.store,
    executor,
    isTransaction: executor.isTransaction,
    table: (definition) => internals.table(definition),
    checkChange: (table, verb) => internals.checkChange(table, verb),
    ...own,
  };
}
