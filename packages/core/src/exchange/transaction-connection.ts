import type pg from 'pg';
import { abortable, startDeadline } from '../background/deadline.ts';
import { isSameScope, isServiceScope, type Scope, type ServiceScope } from '../context/scope.ts';
import { DatabaseError, OperationNotAllowedError } from '../error/intendant-error.ts';
import { traceStatementsWithin } from '../telemetry/trace-context.ts';
import { cancelled, withCancellation } from './cancellation.ts';
import { cleanConnection } from './clean-connection.ts';
import { runExchange } from './exchange.ts';
import type { RunOptions, TransactionExecutor } from './executor.ts';
import { NestedParts, type Part } from './nested-parts.ts';
import { isQuiet } from './pg-internals.ts';
import type { Statement, StatementResult } from './statement.ts';
import { type ResultSet, resultsFor, type StatementSet, statementsOf } from './statement-set.ts';
import type { StoreExchange } from './store-exchange.ts';
import { Turns } from './turns.ts';

export interface TransactionSettings {
  /** The statement that begins the transaction, with its isolation level. */
  readonly beginSql: string;
  /** The scope of the declared tables; undefined if none were declared. */
  readonly scope?: Scope | undefined;
  /** The scope that raw SQL runs under. Throws when the context has none: raw SQL could reach every table. */
  readonly rawScope?: (() => Scope) | undefined;
  /** Cancels the running statement and rolls the transaction back. */
  readonly signal?: AbortSignal | undefined;
}

/** The plan key of statements that run as the application login, in place of a role. */
const LOGIN_PLANS = 'login';
/** How long a rollback may take before the connection is closed instead. */
const ROLLBACK_LIMIT_MS = 5_000;

/**
 * One transaction on one connection. `begin` and the scope's settings are sent together with the first statement.
 * Between operations the default scope is set: that of the declared tables, else of the first operation, or of raw SQL
 * after its first use. An operation under another scope sets its own, and restores the default, in its exchange.
 */
export class TransactionConnection implements TransactionExecutor {
  readonly isTransaction = true as const;
  readonly #store: StoreExchange;
  readonly #client: pg.PoolClient;
  readonly #settings: TransactionSettings;
  readonly #parts = new NestedParts();
  #afterCommit: { part: Part | undefined; run: () => unknown }[] = [];
  #hasBegun = false;
  #isOver = false;
  #isUnusable = false;
  #usedRawSql = false;
  #isClientOut = false;
  #savepoints = 0;
  #firstFailure: unknown;
  readonly #turns = new Turns();
  /** The scope set in the database between operations. Undefined: none yet; the role is the login's own. */
  #defaultScope: Scope | undefined;

  constructor(store: StoreExchange, client: pg.PoolClient, settings: TransactionSettings) {
    this.#store = store;
    this.#client = client;
    this.#settings = settings;
  }

  async run<Statements extends StatementSet>(
    scope: Scope | ServiceScope,
    statements: Statements,
    options?: RunOptions,
  ): Promise<ResultSet<Statements>> {
    while (!this.#parts.isTurn) await this.#parts.change();
    return resultsFor(statements, await this.#runUnder(scope, statementsOf(statements), options?.signal));
  }

  #runUnder(scope: Scope | ServiceScope, statements: readonly Statement[], signal: AbortSignal | undefined) {
    this.#checkUsable();
    if (isServiceScope(scope)) return this.#runAsService(scope, statements, signal);
    const defaultScope = this.#defaultScope ?? this.#settings.scope ?? scope;
    const before = this.#setDefault(defaultScope);
    if (isSameScope(scope, defaultScope)) return this.#send(statements, before, [], scope.role, signal);
    const { settings } = this.#store;
    const own = [...before, ...settings.statements(scope)];
    return this.#send(statements, own, settings.statements(defaultScope), scope.role, signal);
  }

  /** Afterwards the caller's role applies again. If no role was set yet, the next operation sets its own. */
  #runAsService(scope: ServiceScope, statements: readonly Statement[], signal: AbortSignal | undefined) {
    const { settings } = this.#store;
    const defaultScope = this.#defaultScope ?? this.#settings.scope;
    this.#defaultScope = defaultScope;
    const after = defaultScope ? settings.statements(defaultScope) : [];
    return this.#send(statements, settings.statements(scope), after, scope.role, signal);
  }

  transaction<Result>(run: (executor: TransactionExecutor) => Promise<Result>): Promise<Result> {
    return run(this);
  }

  atomically<Result>(run: (executor: TransactionExecutor) => Promise<Result>): Promise<Result> {
    return this.withSavepoint(() => run(this));
  }

  async query<Row extends pg.QueryResultRow>(sql: string, values?: unknown[]): Promise<pg.QueryResult<Row>> {
    while (!this.#parts.isTurn) await this.#parts.change();
    this.#prepareForRawSql();
    const send = () => (values === undefined ? this.#client.query<Row>(sql) : this.#client.query<Row>(sql, values));
    return this.#guarded(() => this.#turns.take(send));
  }

  rawClient(): pg.ClientBase {
    this.#parts.checkTurn();
    this.#prepareForRawSql();
    this.#isClientOut = true;
    return this.#client;
  }

  afterCommit(run: () => unknown): void {
    this.#checkUsable();
    this.#afterCommit.push({ part: this.#parts.current(), run });
  }

  /** Runs work inside a savepoint. Concurrent calls run one after the other. */
  withSavepoint<T>(work: () => Promise<T>): Promise<T> {
    return this.#parts.nest(async (part) => {
      const name = `intendant_${++this.#savepoints}`;
      const defaultScope = this.#defaultScope;
      await this.#send([{ text: `savepoint ${name}` }], [], []);
      try {
        const result = await work();
        while (!this.#parts.isTurn) await this.#parts.change(); // A nested transaction that the callback did not await.
        await this.#release(name, defaultScope);
        this.#afterCommit = this.#afterCommit.map((each) =>
          each.part === part ? { ...each, part: part.parent } : each,
        );
        return result;
      } catch (error) {
        while (!this.#parts.isTurn) await this.#parts.change();
        this.#afterCommit = this.#afterCommit.filter((each) => each.part !== part);
        await this.#rollBackTo(name, defaultScope);
        this.#firstFailure = undefined;
        throw error;
      }
    });
  }

  /** Returns the callbacks to run after the commit. */
  async commit(): Promise<readonly (() => unknown)[]> {
    if (!this.#parts.areOver) {
      throw new OperationNotAllowedError('a nested transaction was not awaited, so nothing is committed');
    }
    if (this.#hasBegun) {
      const [result] = await this.#send([{ name: 'commit', text: 'commit' }], [], []);
      if (result?.command !== 'COMMIT') throw this.#rolledBack();
    }
    this.#isOver = true;
    return this.#afterCommit.map(({ run }) => run);
  }

  /** If the server does not respond, the connection is closed, which ends the transaction. */
  async rollback(): Promise<void> {
    this.#isOver = true;
    if (!this.#hasBegun || this.#isUnusable) return;
    const limit = startDeadline({ timeoutMs: ROLLBACK_LIMIT_MS });
    try {
      await abortable(
        this.#turns.take(() => runExchange(this.#client, [{ text: 'rollback' }])),
        limit.signal,
      );
    } catch {
      this.#isUnusable = true; // The connection is lost or its state unknown, and the transaction with it.
    } finally {
      limit.end();
    }
  }

  /**
   * Called when the transaction ends while its callback may still be running. A client that the callback holds is then
   * closed instead of returned to the pool.
   */
  abandon(): void {
    if (this.#isClientOut) this.#isUnusable = true;
  }

  /** Releases the connection. One that ran raw SQL is reset first; one whose state is unknown is closed. */
  async release(): Promise<void> {
    this.#isOver = true;
    if (this.#usedRawSql && !this.#isUnusable) this.#isUnusable = !(await cleanConnection(this.#client));
    this.#client.release(this.#isUnusable || this.#client.getTransactionStatus() !== 'I');
  }

  async #release(savepoint: string, defaultScope: Scope | undefined): Promise<void> {
    const release = { text: `release savepoint ${savepoint}` };
    if (this.#store.settings.endsWithSavepoint) this.#defaultScope = defaultScope;
    await this.#send([release, ...this.#defaultForRawSql()], [], []);
  }

  /** Rolling back to a savepoint also restores the settings, including those that raw SQL needs. */
  async #rollBackTo(savepoint: string, defaultScope: Scope | undefined): Promise<void> {
    const undo = [{ text: `rollback to savepoint ${savepoint}` }, { text: `release savepoint ${savepoint}` }];
    this.#defaultScope = defaultScope;
    await this.#send([...undo, ...this.#defaultForRawSql()], [], []);
  }

  /** The settings to restore for raw SQL, if the transaction has used raw SQL before. */
  #defaultForRawSql(): readonly Statement[] {
    return this.#usedRawSql ? this.#setDefault(this.#rawScope()) : [];
  }

  /** Prepares the transaction for raw SQL. pg queues these statements, so raw SQL can be sent immediately. */
  #prepareForRawSql(): void {
    this.#checkUsable();
    const settings = this.#setDefault(this.#rawScope());
    this.#usedRawSql = true;
    const opening = [...this.#opening(), ...settings];
    if (opening.length === 0) return;
    const exchange = [...opening, ...traceStatementsWithin()];
    const sent = runExchange(this.#client, exchange, this.#plans()).catch((error: unknown) => {
      this.#firstFailure = error;
      this.#isUnusable = true;
    });
    this.#turns.follow(sent);
  }

  #rawScope(): Scope {
    if (this.#settings.rawScope) return this.#settings.rawScope();
    throw new OperationNotAllowedError('raw SQL can only run in a transaction of a session');
  }

  /** Makes this the scope between operations. Returns the statements that set it; none if it is set already. */
  #setDefault(scope: Scope): readonly Statement[] {
    if (this.#defaultScope && isSameScope(scope, this.#defaultScope)) return [];
    this.#defaultScope = scope;
    return this.#store.settings.statements(scope);
  }

  #opening(): Statement[] {
    if (this.#hasBegun) return [];
    this.#hasBegun = true;
    return [{ name: 'begin', text: this.#settings.beginSql }];
  }

  async #send(
    statements: readonly Statement[],
    before: readonly Statement[],
    after: readonly Statement[],
    planScope?: string,
    signal?: AbortSignal,
  ): Promise<StatementResult[]> {
    this.#checkUsable();
    const opening = this.#opening();
    const settings = [...before, ...(planScope === undefined ? [] : traceStatementsWithin())];
    const all = [...opening, ...settings, ...statements, ...after];
    const plans = this.#plans(planScope);
    const results = await this.#guarded(() => this.#turns.take(() => runExchange(this.#client, all, plans)), signal);
    const first = opening.length + settings.length;
    return results.slice(first, first + statements.length);
  }

  async #guarded<T>(work: () => Promise<T>, own?: AbortSignal): Promise<T> {
    const signals = [this.#settings.signal, own].filter((signal) => signal !== undefined);
    const signal = signals.length > 1 ? AbortSignal.any(signals) : signals[0];
    try {
      return await withCancellation(this.#client, this.#store.connection, signal, work, () => {
        this.#isUnusable = true;
      });
    } catch (error) {
      this.#firstFailure ??= error;
      throw error;
    }
  }

  #plans(planScope: string = this.#defaultScope?.role ?? LOGIN_PLANS) {
    return { planScope, usesNamedStatements: this.#store.usesNamedStatements };
  }

  #checkUsable(): void {
    if (this.#settings.signal?.aborted) throw cancelled(this.#settings.signal.reason);
    if (this.#isOver) {
      throw new OperationNotAllowedError(
        'the transaction is over; await every operation inside its callback, and use the store outside',
      );
    }
    if (this.#usedRawSql && this.#wasEndedByHand()) {
      this.#isOver = true;
      throw new OperationNotAllowedError(
        'the transaction was committed or rolled back by raw SQL; remove that statement, because session.transaction does it',
      );
    }
  }

  #wasEndedByHand(): boolean {
    return this.#hasBegun && this.#client.getTransactionStatus() === 'I' && isQuiet(this.#client);
  }

  #rolledBack(): DatabaseError {
    this.#isOver = true;
    return new DatabaseError(
      'the transaction was rolled back, because a statement in it failed and the error was not rethrown',
      { cause: this.#firstFailure },
    );
  }
}
