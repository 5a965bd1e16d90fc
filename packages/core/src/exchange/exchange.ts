import type { ClientBase, Connection, Submittable } from 'pg';
import { preparedNamesOf } from './prepared-names.ts';
import type { Statement, StatementResult, WireValue } from './statement.ts';

/*
 * Several statements behind one Sync: Parse, Bind and Execute of each leave together, the answers come together, and
 * Postgres treats all of it as one implicit transaction (extended query protocol, "pipelining":
 * https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-PIPELINING). That is what makes a
 * tenant-scoped statement cost one round trip, and what ends the `is_local` settings with it.
 *
 * pg takes any object with `submit` for a query and hands it the backend's messages. It lets go of it at the first
 * error, so `handleError` settles; the ReadyForQuery that still follows sets the client free without us. No Describe is
 * sent: whoever wrote the statement knows its columns.
 */

/** pg's connection, as far as it is needed here; its published types lag behind. */
interface WritableConnection {
  readonly stream: { cork?(): void; uncork?(): void };
  parse(query: { name: string; text: string }): void;
  bind(config: { statement: string; values: readonly WireValue[] }): void;
  execute(config: null): void;
  close(target: { type: 'S'; name: string }): void;
  sync(): void;
}

export interface ExchangeOptions {
  /** Keeps plans of one text apart, e.g. by role, since row security makes them differ. Default none. */
  readonly planScope?: string | undefined;
  /** False sends every statement unnamed, for a pooler that shares server connections. Default true. */
  readonly usesNamedStatements?: boolean | undefined;
}

/** An error that came before anything was sent: the exchange can safely be tried again. */
export const wasNotSent = (error: unknown): boolean => error instanceof Error && NOT_SENT in error;
const NOT_SENT = Symbol('nothing was sent');

class Exchange implements Submittable {
  readonly #statements: readonly Statement[];
  readonly #options: ExchangeOptions;
  readonly #results: StatementResult[] = [];
  readonly #resolve: (results: StatementResult[]) => void;
  readonly #reject: (error: Error) => void;
  readonly #newNames: string[] = [];
  #rows: (string | null)[][] = [];
  #isSent = false;

  constructor(
    statements: readonly Statement[],
    options: ExchangeOptions,
    resolve: (results: StatementResult[]) => void,
    reject: (error: Error) => void,
  ) {
    this.#statements = statements;
    this.#options = options;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  submit(connection: Connection): void {
    const wire = connection as unknown as WritableConnection;
    this.#isSent = true;
    wire.stream.cork?.();
    try {
      for (const statement of this.#statements) this.#send(wire, statement);
      wire.sync();
    } finally {
      wire.stream.uncork?.();
    }
  }

  #send(wire: WritableConnection, statement: Statement): void {
    wire.bind({ statement: this.#parse(wire, statement), values: statement.values ?? [] });
    wire.execute(null);
  }

  /** Sends Parse unless the connection holds the statement already; answers the name to bind to. */
  #parse(wire: WritableConnection, statement: Statement): string {
    if (statement.name === undefined || this.#options.usesNamedStatements === false) {
      wire.parse({ name: '', text: statement.text });
      return '';
    }
    const names = preparedNamesOf(wire);
    const name = names.nameOf(statement.text, this.#options.planScope);
    if (names.has(name)) return name;
    if (names.isDoubtful(name)) wire.close({ type: 'S', name });
    wire.parse({ name, text: statement.text });
    names.add(name);
    this.#newNames.push(name);
    return name;
  }

  handleDataRow(message: { fields: (string | null)[] }): void {
    this.#rows.push(message.fields);
  }

  handleCommandComplete(message: { text: string }): void {
    const count = Number(message.text.slice(message.text.lastIndexOf(' ') + 1));
    this.#results.push({ rows: this.#rows, rowCount: Number.isNaN(count) ? 0 : count, command: message.text });
    this.#rows = [];
  }

  handleEmptyQuery(): void {
    this.handleCommandComplete({ text: '' });
  }

  handleReadyForQuery(): void {
    this.#resolve(this.#results);
  }

  /** Which of the new statements were parsed before the error is not known, so each is closed before its next parse. */
  handleError(error: Error, connection: Connection): void {
    const names = preparedNamesOf(connection);
    for (const name of this.#newNames) names.doubt(name);
    if (STALE_PLAN.has((error as { code?: string }).code ?? '')) names.doubtAll();
    this.#reject(this.#isSent ? error : Object.assign(error, { [NOT_SENT]: true }));
  }

  handleRowDescription(): void {}
  handlePortalSuspended(): void {}
  handleCopyInResponse(connection: Connection): void {
    (connection as unknown as { sendCopyFail(reason: string): void }).sendCopyFail('COPY needs tx.client');
  }
  handleCopyData(): void {}
}

/** A prepared statement that someone deallocated, or whose result type a schema change altered. */
const STALE_PLAN = new Set(['26000', '0A000']);

/** True when the server forgot, or refuses, what it had prepared: the same exchange succeeds if it is sent again. */
export const isStalePlan = (error: unknown): boolean =>
  error instanceof Error &&
  ((error as { code?: string }).code === '26000' || /cached plan must not change result type/.test(error.message));

/**
 * Sends the statements behind one Sync and answers their results in order. Outside a transaction block they are one
 * transaction. Rejects with what pg or Postgres threw, untranslated.
 */
export function runExchange(
  client: ClientBase,
  statements: readonly Statement[],
  options: ExchangeOptions = {},
): Promise<StatementResult[]> {
  return new Promise((resolve, reject) => {
    client.query(new Exchange(statements, options, resolve, reject));
  });
}
