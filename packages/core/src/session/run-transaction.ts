import { backoffMs } from '../background/backoff.ts';
import { startDeadline } from '../background/deadline.ts';
import { pause } from '../background/pause.ts';
import { intersectScopes } from '../context/scope.ts';
import { InvalidRecordError, TransactionConflictError } from '../error/intendant-error.ts';
import { translateError } from '../error/sqlstate.ts';
import { inTransaction } from '../exchange/in-transaction.ts';
import { checkCount } from '../option/check-count.ts';
import { checkDuration } from '../option/check-duration.ts';
import { checkOptions, type OptionNames } from '../option/check-options.ts';
import { type StoreParts, sessionParts } from './session-parts.ts';
import { Transaction, type TransactionOptions, type TransactionScopes } from './transaction.ts';

const RETRY = { minMs: 10, maxMs: 750 };
const OPTIONS: OptionNames<TransactionOptions> = {
  tables: true,
  isolation: true,
  readOnly: true,
  retries: true,
  timeoutMs: true,
  signal: true,
};

function checkTransactionOptions(options: TransactionOptions): TransactionOptions {
  checkOptions('transaction', options, OPTIONS);
  if (options.timeoutMs !== undefined) checkDuration('timeoutMs', options.timeoutMs, { allowInfinity: true });
  if (options.retries !== undefined) checkCount('retries', options.retries, { min: 0, allowInfinity: true });
  return options;
}

const ISOLATION_LEVELS = new Set(['read committed', 'repeatable read', 'serializable']);

/** Runs the callback in a transaction of its own. After a conflict with another transaction, runs it again up to `retries` times. */
export async function runTransaction<T>(
  internals: StoreParts,
  scopes: TransactionScopes,
  run: (tx: Transaction) => Promise<T>,
  options: TransactionOptions,
): Promise<T> {
  const deadline = startDeadline(checkTransactionOptions(options));
  try {
    return await untilNoConflict(options.retries ?? 0, deadline.signal, () =>
      attemptTransaction(internals, scopes, run, options, deadline.signal),
    );
  } finally {
    deadline.end();
  }
}

async function untilNoConflict<T>(retries: number, signal: AbortSignal | undefined, attempt: () => Promise<T>) {
  for (let failures = 1; ; failures++) {
    try {
      return await attempt();
    } catch (error) {
      const translated = translateError(error, { operation: 'transaction' });
      if (!(translated instanceof TransactionConflictError) || failures > retries) throw translated;
      await pause(backoffMs(RETRY, failures), signal);
    }
  }
}

async function attemptTransaction<T>(
  internals: StoreParts,
  scopes: TransactionScopes,
  run: (tx: Transaction) => Promise<T>,
  options: TransactionOptions,
  signal: AbortSignal | undefined,
): Promise<T> {
  const scope = options.tables && scopes.initial(options.tables);
  const rawScope = () => scope ?? scopes.initial(undefined);
  const settings = { beginSql: beginStatement(options), scope, rawScope, signal };
  return inTransaction(internals.exchange, settings, (connection) => {
    const scopeFor: TransactionScopes['forTable'] = (tables) =>
      scope ? intersectScopes(scope, scopes.forTable(tables)) : scopes.forTable(tables);
    return run(new Transaction(sessionParts(internals, connection, { scopeFor }), connection));
  });
}

function beginStatement({ isolation = 'read committed', readOnly = false }: TransactionOptions): string {
  if (!ISOLATION_LEVELS.has(isolation)) {
    throw new InvalidRecordError(
      `transaction: ${JSON.stringify(isolation)} is not an isolation level; expected one of ${[...ISOLATION_LEVELS].join(', ')}`,
    );
  }
  return `begin isolation level ${isolation}${readOnly ? ' read only' : ''}`;
}
