import pg, { type ClientBase, type Connection, type Submittable } from 'pg';
// The file, because old Node.js cannot load the package's main file, and so could not say that it is too old.
import { serialize } from 'pg-protocol/dist/serializer.js';
import { describeStatements } from '../telemetry/statement-span.ts';
import { traced } from '../telemetry/tracing.ts';
import { refuseCopy, streamOf } from './pg-internals.ts';
import { type PreparedNames, preparedNamesOf } from './prepared-names.ts';
import type { Statement, StatementResult, WireValue } from './statement.ts';

/*
 * Several statements with one Sync message: the Parse, Bind and Execute messages of all are sent together, and Postgres
 * runs them as one implicit transaction (extended query protocol, "pipelining":
 * https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-PIPELINING). A tenant-scoped statement
 * therefore costs one round trip, and its `is_local` settings end with it.
 *
 * pg treats any object with a `submit` method as a query and passes it the backend's messages. After the first error pg
 * drops the query, so `handleError` settles the promise; pg itself handles the ReadyForQuery that follows. No Describe is
 * sent: the author of a statement knows its columns.
 */

export interface ExchangeOptions {
  /** Separates prepared plans of the same text, e.g. by role, because row security changes the plan. Default none. */
  readonly planScope?: string | undefined;
  /** False sends every statement unnamed, for a pooler that shares server connections. Default true. */
  readonly usesNamedStatements?: boolean | undefined;
}

/** Marks an error that occurred before anything was sent: the exchange can be repeated safely. */
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

  /** Sends all messages in one write, because the write is the most expensive step. pg passes a returned error to `handleError`. */
  submit(connection: Connection): Error | undefined {
    const stream = streamOf(connection);
    if (!stream.writable) return new Error('Connection terminated before use');
    try {
      const names = preparedNamesOf(connection);
      const messages = this.#statements.flatMap((statement) => this.#messages(names, statement));
      stream.write(Buffer.concat([...messages, serialize.sync()]));
    } catch (error) {
      return error as Error; // If it were thrown, pg would wait for the result of this query for ever.
    }
    this.#isSent = true;
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
    const close = names.isUncertain(wireName) ? [serialize.close({ type: 'S', name: wireName })] : [];
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

  /** It is unknown which new statements were parsed before the error, so each is closed before its next Parse. */
  handleError(error: Error, connection: Connection): void {
    const names = preparedNamesOf(connection);
    for (const name of this.#newNames) names.markUncertain(name);
    if (STALE_PLAN.has((error as { code?: string }).code ?? '')) names.markAllUncertain();
    this.#reject(this.#isSent ? error : Object.assign(error, { [NOT_SENT]: true }));
  }

  handleRowDescription(): void {}
  handlePortalSuspended(): void {}
  handleCopyInResponse(connection: Connection): void {
    refuseCopy(connection, 'COPY needs tx.client');
  }
  handleCopyData(): void {}
}

/** A prepared statement that was deallocated, or whose result type was changed by a schema change. */
const STALE_PLAN = new Set(['26000', '0A000']);

/**
 * True when the server no longer has, or refuses, a prepared statement: the same exchange succeeds when it is sent again.
 * Recognized by the server function that raised the error, because messages are translated.
 */
export function isStalePlan(error: unknown): boolean {
  if (!(error instanceof pg.DatabaseError)) return false;
  return error.code === '26000' || (error.code === '0A000' && error.routine === 'RevalidateCachedQuery');
}

/**
 * Sends the statements with one Sync and returns their results in order. Outside a transaction block they are one
 * transaction. Rejects with the untranslated error of pg or Postgres.
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
