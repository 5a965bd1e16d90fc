import { runTransaction } from './run-transaction.ts';
import { Session } from './session.ts';
import type { SessionParts } from './session-internals.ts';
import type { StoreParts } from './session-parts.ts';
import type { Transaction, TransactionOptions, TransactionScopes } from './transaction.ts';

/** A session that can open transactions. */
export class RootSession extends Session {
  readonly #internals: StoreParts;
  readonly #scopes: TransactionScopes;

  /** @internal */
  constructor(parts: SessionParts, internals: StoreParts, scopes: TransactionScopes) {
    super(parts);
    this.#internals = internals;
    this.#scopes = scopes;
  }

  /**
   * Runs the callback in one transaction on one connection and returns the callback's result. Commits when the callback
   * resolves. Rolls back when it throws, and rethrows its error. The connection returns to the pool without settings.
   *
   * Throws TransactionConflictError after a deadlock or a serialization failure, and whatever the callback throws.
   *
   * ```ts
   * await session.transaction(async (tx) => {
   *   const record = await tx.find(vm, 'VM1');
   *   await tx.update(vm, { ...record, region: 'us-west-1' });
   * }, { tables: [vm] });
   * ```
   */
  transaction<T>(run: (tx: Transaction) => Promise<T>, options: TransactionOptions = {}): Promise<T> {
    return runTransaction(this.#internals, this.#scopes, run, options);
  }
}
