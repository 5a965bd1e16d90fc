import pg from 'pg';

/*
 * The fields of pg's clients and connections that its types do not declare, all in this file: an update of pg is checked
 * here. Each is typed as the little of it that is used.
 */

interface ClientInternals {
  readonly processID: number | null;
  readonly secretKey: number | null;
  readonly readyForQuery: boolean;
  readonly _queryQueue: readonly unknown[];
  readonly connection: ConnectionInternals;
  cancel(target: unknown, query: unknown): void;
}

interface ConnectionInternals {
  readonly stream: NodeJS.WritableStream & { destroy(): void };
  sendCopyFail(reason: string): void;
  on(event: 'error', listener: (error: Error) => void): void;
}

const inside = (client: pg.ClientBase): ClientInternals => client as unknown as ClientInternals;

/** Ends the connection at once, without a word to the server: for a network or a server that no longer responds. */
export const destroySocket = (client: pg.ClientBase): void => inside(client).connection.stream.destroy();

/** The process that serves this client on the server; null before it is connected, and behind some poolers. */
export const serverProcessId = (client: pg.ClientBase): number | null => inside(client).processID;

/** The object that stands for the connection, also in `submit(connection)`. */
export const connectionOf = (client: pg.ClientBase): object => inside(client).connection;

/** True when nothing was sent, or is queued to be sent, that the server has not completed. */
export const isQuiet = (client: pg.ClientBase): boolean =>
  inside(client).readyForQuery && inside(client)._queryQueue.length === 0;

/** The socket under a connection that was handed to `submit`. */
export const streamOf = (connection: pg.Connection): NodeJS.WritableStream =>
  (connection as unknown as ConnectionInternals).stream;

/** Refuses to send the data that a COPY asks for. */
export const refuseCopy = (connection: pg.Connection, reason: string): void =>
  (connection as unknown as ConnectionInternals).sendCopyFail(reason);

/**
 * Asks the server to cancel what runs on the client. A cancel request is a connection of its own, and a failure to make
 * it is ignored. https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-CANCELING-REQUESTS
 */
export function requestCancel(client: pg.ClientBase, connection: pg.ClientConfig): void {
  const messenger = new pg.Client(connection);
  const { processID, secretKey } = inside(client);
  inside(messenger).connection.on('error', () => {});
  inside(messenger).cancel({ ...inside(client), activeQuery: messenger, processID, secretKey }, messenger);
}
