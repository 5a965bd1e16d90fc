import type { ClientBase, Connection, Submittable } from 'pg';
import { DatabaseError, serialize } from 'pg-protocol';
import { describeStatements } from '../telemetry/statement-span.ts';
import { traced } from '../telemetry/tracing.ts';
import { refuseCopy, streamOf } from './pg-internals.ts';
import { type PreparedNames, preparedNamesOf } from './prepared-names.ts';
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

export interface ExchangeOptions {
  /** Keeps plans of one text apart, e.g. by role, since row security makes them differ. Default none. */
  readonly planScope?: string | undefined;
  /** False sends every statement unnamed, for a pooler that shares server connections. Default true. */
  readonly usesNamedStatements?: boolean | undefined;
}

/** An error that came before anything was sent: the exchange can safely be tried again. */
export const wasNotSent = (error: unknown): boolean => error instanceof Error && NOT_SENT in error;
const NOT_SENT = Symbol('nothing was sent');

class Exchange {
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

  /** All messages leave in one write: a write costs more than all else that is done here. An error returned is handed to `handleError`. */
  submit(connection: Connection): Error | undefined {
    const stream = streamOf(connection);
    if (!stream.writable) return new Error('Connection terminated before use');
    this.#isSent = true;
    const names = preparedNamesOf(connection);
    const messages = this.#statements.flatMap((statement) => this.#messages(names, statement));
    stream.write(Buffer.concat([...messages, serialize.sync()]));
    return undefined;
  }

  #messages(names: PreparedNames, { name, text, values }: Statement): Buffer[] {
    const isNamed = name !== undefined && this.#options.usesNamedStatements !== false;
    const wireName = isNamed ? names.nameOf(text, this.#options.planScope) : '';
    const parse = isNamed && names.has(wireName) ? [] : this.#parse(names, wireName, text);
    return [
      ...parse,
      serialize.bind({ statement: wireName, values: (values ?? []) as WireValue[] }),
      serialize.execute(),
    ];
  }

  #parse(names: PreparedNames, wireName: string, text: string): Buffer[] {
    const parse = serialize.parse({ name: wireName, text });
    if (wireName === '') return [parse];
    const close = names.isDoubtful(wireName) ? [serialize.close({ type: 'S', name: wireName })] : [];
    names.add(wireName);
    this.#newNames.push(wireName);
    return [...close, parse];
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
    refuseCopy(connection, 'COPY needs tx.client');
  }
  handleCopyData(): void {}
}

/** A prepared statement that someone deallocated, or whose result type a schema change altered. */
const STALE_PLAN = new Set(['26000', '0A000']);

/**
 * True when the server forgot, or refuses, what it had prepared: the same exchange succeeds if it is sent again. The
 * function that complains is looked at, since messages come in the server's language.
 */
export function isStalePlan(error: unknown): boolean {
  if (!(error instanceof DatabaseError)) return false;
  return error.code === '26000' || (error.code === '0A000' && error.routine === 'RevalidateCachedQuery');
}

/**
 * Sends the statements behind one Sync and returns their results in order. Outside a transaction block they are one
 * transaction. Rejects with what pg or Postgres threw, untranslated.
 */
export function runExchange(
  client: ClientBase,
  statements: readonly Statement[],
  options: ExchangeOptions = {},
): Promise<StatementResult[]> {
  return traced(
    () => describeStatements(statements, (client as { readonly database?: string }).database),
    () => sendExchange(client, statements, options),
  );
}

function sendExchange(
  client: ClientBase,
  statements: readonly Statement[],
  options: ExchangeOptions,
): Promise<StatementResult[]> {
  return new Promise((resolve, reject) => {
    client.query(new Exchange(statements, options, resolve, reject) as unknown as Submittable);
  });
}
