import type pg from 'pg';
import { abortable, startDeadline } from '../background/deadline.ts';
import { isSameScope, isServiceScope, type Scope, type ServiceScope } from '../context/scope.ts';
import { DatabaseError, OperationNotAllowedError } from '../error/intendant-error.ts';
import { cancelled, withCancellation } from './cancellation.ts';
import { cleanConnection } from './clean-connection.ts';
import { runExchange } from './exchange.ts';
import type { RunOptions, TransactionExecutor } from './executor.ts';
import { NestedParts, type Part } from './nested-parts.ts';
import { isQuiet } from './pg-internals.ts';
import type { Statement, StatementResult } from './statement.ts';
import { type ResultSet, resultsFor, type StatementSet, statementsOf } from './statement-set.ts';
import type { StoreExchange } from './store-exchange.ts';

export interface TransactionSettings {
  /** `begin …` */
  readonly beginSql: string;
  /** The scope of the tables that were declared, if they were. */
  readonly scope?: Scope | undefined;
  /** The scope that raw SQL runs under. Throws when the context has none: raw SQL could reach every table. */
  readonly rawScope?: (() => Scope) | undefined;
  /** Ends the transaction. */
  readonly signal?: AbortSignal | undefined;
}

/** What the login's own statements are planned for, where others have their role. */
const LOGIN_PLANS = 'login';
/** How long a rollback may take before the connection is closed instead. */
const ROLLBACK_LIMIT_MS = 5_000;

/**
 * One transaction on one connection. `begin` and the scope's settings ride behind the Sync of the first statement.
 *
 * The transaction rests under one scope: the declared tables', else the first operation's, and raw SQL's as soon as there
 * is some. An operation under another one sets it before and puts the resting one back after, behind the same Sync.
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
  #isSpent = false;
  #wasHandedOut = false;
  #isClientOut = false;
  #savepoints = 0;
  #firstFailure: unknown;
  /** Settles, and never rejects, once nothing is under way any more. */
  #lastTurn: Promise<unknown> | undefined;
  /** What the database is set to between operations. Undefined: nothing yet, it is the login's own role. */
  #restingScope: Scope | undefined;

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
    const resting = this.#restingScope ?? this.#settings.scope ?? scope;
    const before = this.#rest(resting);
    if (isSameScope(scope, resting)) return this.#send(statements, before, [], scope.role, signal);
    const { settings } = this.#store;
    const own = [...before, settings.statement(scope)];
    return this.#send(statements, own, [settings.statement(resting)], scope.role, signal);
  }

  /** Afterwards the caller's role is in force again; if there was none yet, the next operation sets its own. */
  #runAsService(scope: ServiceScope, statements: readonly Statement[], signal: AbortSignal | undefined) {
    const { settings } = this.#store;
    const resting = this.#restingScope ?? this.#settings.scope;
    this.#restingScope = resting;
    const after = resting ? [settings.statement(resting)] : [];
    return this.#send(statements, [settings.statement(scope)], after, scope.role, signal);
  }

  transaction<Result>(run: (executor: TransactionExecutor) => Promise<Result>): Promise<Result> {
    return run(this);
  }

  async query<Row extends pg.QueryResultRow>(sql: string, values?: unknown[]): Promise<pg.QueryResult<Row>> {
    while (!this.#parts.isTurn) await this.#parts.change();
    this.#handOut();
    return this.#guarded(() =>
      this.#inTurn(() => (values === undefined ? this.#client.query<Row>(sql) : this.#client.query<Row>(sql, values))),
    );
  }

  rawClient(): pg.ClientBase {
    this.#parts.checkTurn();
    this.#handOut();
    this.#isClientOut = true;
    return this.#client;
  }

  afterCommit(run: () => unknown): void {
    this.#checkUsable();
    this.#afterCommit.push({ part: this.#parts.current(), run });
  }

  /** Runs work behind a savepoint. Of several side by side, each begins when the one before has ended. */
  withSavepoint<T>(work: () => Promise<T>): Promise<T> {
    return this.#parts.nest(async (part) => {
      const name = `intendant_${++this.#savepoints}`;
      const resting = this.#restingScope;
      await this.#send([{ text: `savepoint ${name}` }], [], []);
      try {
        const result = await work();
        while (!this.#parts.isTurn) await this.#parts.change(); // A part inside that nobody awaited.
        await this.#send([{ text: `release savepoint ${name}` }], [], []);
        this.#afterCommit = this.#afterCommit.map((each) =>
          each.part === part ? { ...each, part: part.parent } : each,
        );
        return result;
      } catch (error) {
        while (!this.#parts.isTurn) await this.#parts.change();
        this.#afterCommit = this.#afterCommit.filter((each) => each.part !== part);
        await this.#rollBackTo(name, resting);
        this.#firstFailure = undefined;
        throw error;
      }
    });
  }

  /** Returns what is to run now that it is committed. */
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

  /** A server that does not respond is given up: the connection is closed, and the transaction ends with it. */
  async rollback(): Promise<void> {
    this.#isOver = true;
    if (!this.#hasBegun || this.#isSpent) return;
    const limit = startDeadline({ timeoutMs: ROLLBACK_LIMIT_MS });
    try {
      await abortable(
        this.#inTurn(() => runExchange(this.#client, [{ text: 'rollback' }])),
        limit.signal,
      );
    } catch {
      this.#isSpent = true; // The connection is gone, or in doubt, and the transaction with it.
    } finally {
      limit.end();
    }
  }

  /** The callback may still be at work: a client that it holds must not go to somebody else. */
  abandon(): void {
    if (this.#isClientOut) this.#isSpent = true;
  }

  /** Gives the connection back; one that foreign hands had held is cleaned first, one in doubt is closed. */
  async release(): Promise<void> {
    this.#isOver = true;
    if (this.#wasHandedOut && !this.#isSpent) this.#isSpent = !(await cleanConnection(this.#client));
    this.#client.release(this.#isSpent || this.#client.getTransactionStatus() !== 'I');
  }

  /** Settings go back with the savepoint, those that raw SQL relies on too. */
  async #rollBackTo(savepoint: string, resting: Scope | undefined): Promise<void> {
    const undo = [{ text: `rollback to savepoint ${savepoint}` }, { text: `release savepoint ${savepoint}` }];
    this.#restingScope = resting;
    await this.#send([...undo, ...(this.#wasHandedOut ? this.#rest(this.#rawScope()) : [])], [], []);
  }

  /** Readies the transaction for SQL that is not ours; pg queues what that takes, so raw SQL can follow at once. */
  #handOut(): void {
    this.#checkUsable();
    const settings = this.#rest(this.#rawScope());
    this.#wasHandedOut = true;
    const opening = [...this.#opening(), ...settings];
    if (opening.length === 0) return;
    this.#lastTurn = runExchange(this.#client, opening, this.#plans()).catch((error: unknown) => {
      this.#firstFailure = error;
      this.#isSpent = true;
    });
  }

  /** One after the other, in the order they were asked for: pg is to stop queueing what is sent while a statement runs. */
  #inTurn<T>(send: () => Promise<T>): Promise<T> {
    const turn = this.#lastTurn === undefined ? send() : this.#lastTurn.then(send);
    const over = turn.then(ignore, ignore).then(() => {
      if (this.#lastTurn === over) this.#lastTurn = undefined;
    });
    this.#lastTurn = over;
    return turn;
  }

  #rawScope(): Scope {
    if (this.#settings.rawScope) return this.#settings.rawScope();
    throw new OperationNotAllowedError('raw SQL runs in a transaction of a session alone');
  }

  /** What makes this the scope between operations. */
  #rest(scope: Scope): Statement[] {
    if (this.#restingScope && isSameScope(scope, this.#restingScope)) return [];
    this.#restingScope = scope;
    return [this.#store.settings.statement(scope)];
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
    const all = [...opening, ...before, ...statements, ...after];
    const plans = this.#plans(planScope);
    const results = await this.#guarded(() => this.#inTurn(() => runExchange(this.#client, all, plans)), signal);
    const first = opening.length + before.length;
    return results.slice(first, first + statements.length);
  }

  async #guarded<T>(work: () => Promise<T>, own?: AbortSignal): Promise<T> {
    const signals = [this.#settings.signal, own].filter((signal) => signal !== undefined);
    const signal = signals.length > 1 ? AbortSignal.any(signals) : signals[0];
    try {
      return await withCancellation(this.#client, this.#store.connection, signal, work, () => {
        this.#isSpent = true;
      });
    } catch (error) {
      this.#firstFailure ??= error;
      throw error;
    }
  }

  #plans(planScope: string = this.#restingScope?.role ?? LOGIN_PLANS) {
    return { planScope, usesNamedStatements: this.#store.usesNamedStatements };
  }

  #checkUsable(): void {
    if (this.#settings.signal?.aborted) throw cancelled(this.#settings.signal.reason);
    if (this.#isOver) {
      throw new OperationNotAllowedError(
        'the transaction is over; await every operation inside its callback, and use the store outside',
      );
    }
    if (this.#wasHandedOut && this.#wasEndedByHand()) {
      this.#isOver = true;
      throw new OperationNotAllowedError(
        'the transaction was committed or rolled back by hand; leave that to session.transaction',
      );
    }
  }

  #wasEndedByHand(): boolean {
    return this.#hasBegun && this.#client.getTransactionStatus() === 'I' && isQuiet(this.#client);
  }

  #rolledBack(): DatabaseError {
    this.#isOver = true;
    return new DatabaseError(
      'the transaction was rolled back, because a statement in it failed and the failure was not thrown on',
      {
        cause: this.#firstFailure,
      },
    );
  }
}

const ignore = (): void => {};
