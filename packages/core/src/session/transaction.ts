import type pg from 'pg';
import type { ClientBase } from 'pg';
import type { Scope } from '../context/scope.ts';
import { translateError } from '../error/sqlstate.ts';
import type { TransactionConnection } from '../exchange/transaction-connection.ts';
import { checkOptions } from '../option/check-options.ts';
import type { AnyTable } from '../table/record-types.ts';
import { Session } from './session.ts';
import type { SessionParts } from './session-internals.ts';

/** The isolation levels of Postgres. */
export type IsolationLevel = 'read committed' | 'repeatable read' | 'serializable';

/** Options of `transaction`. */
export interface TransactionOptions {
  /**
   * All tables that the transaction will use. It then runs under the least of the roles on them. Default: each
   * operation runs under the role on its own table, and raw SQL under the least of the roles on those registered tables
   * on which the caller has one.
   */
  readonly tables?: readonly AnyTable[];
  /** Default `read committed`. */
  readonly isolation?: IsolationLevel;
  /** Whether the transaction may only read. Default false. */
  readonly readOnly?: boolean;
  /** How many times to run it again after a deadlock or a serialization failure. The callback must allow that. Default 0. */
  readonly retries?: number;
  /**
   * Time limit in milliseconds, of any length. After it the running statement is cancelled, the transaction is rolled back
   * and OperationCancelledError is thrown, even if the callback is still waiting. Infinity means no limit. Default none.
   */
  readonly timeoutMs?: number;
  /** Aborting the signal ends the transaction like the time limit. */
  readonly signal?: AbortSignal;
}

/** Options of `transaction` inside a transaction. */
export interface NestedTransactionOptions {
  /** True sets a savepoint, so that only the inner part is rolled back when it fails. Default false: it joins the outer one. */
  readonly savepoint?: boolean;
}

/** A session inside one transaction. It sees its own changes, and all of them are committed, or none. */
export class Transaction extends Session {
  readonly #connection: TransactionConnection;

  /** @internal */
  constructor(parts: SessionParts, connection: TransactionConnection) {
    super(parts);
    this.#connection = connection;
  }

  /** Runs your own SQL under the transaction's scope, with row security. Values are sent as parameters. */
  async query<Row extends pg.QueryResultRow = pg.QueryResultRow>(
    sql: string,
    values?: unknown[],
  ): Promise<pg.QueryResult<Row>> {
    try {
      return await this.#connection.query<Row>(sql, values);
    } catch (error) {
      throw translateError(error, { operation: 'query' });
    }
  }

  /**
   * The transaction's pg client, for Kysely, Drizzle and others, with the scope set. Do not commit or roll back on it,
   * and do not keep it: it is returned to the pool.
   */
  get client(): ClientBase {
    return this.#connection.rawClient();
  }

  /** Runs the callback after the commit, and never after a rollback. An error of the callback is logged. */
  afterCommit(run: () => unknown): void {
    this.#connection.afterCommit(run);
  }

  /**
   * Runs a part of this transaction. With `savepoint`, a failure rolls back only this part, and is rethrown. Other
   * operations of the transaction, other nested parts included, wait until a part with a savepoint has ended.
   */
  async transaction<T>(run: (tx: Transaction) => Promise<T>, options: NestedTransactionOptions = {}): Promise<T> {
    checkOptions('transaction', options, { savepoint: true });
    if (!options.savepoint) return run(this);
    return this.#connection.withSavepoint(() => run(this));
  }
}

/** Determines the scope of each operation of a transaction. */
export interface TransactionScopes {
  /** For the declared tables. For raw SQL without declared tables: the tables that the caller may use. */
  initial(tables: readonly AnyTable[] | undefined): Scope;
  /** For an operation on one table. */
  forTable: SessionParts['scopeFor'];
}
