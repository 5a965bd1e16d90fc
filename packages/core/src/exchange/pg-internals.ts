import pg from 'pg';

/*
 * All uses of undeclared fields of pg's clients and connections, so that an update of pg is checked in this file. Only the
 * parts that are used are typed.
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

/** Closes the socket without a message to the server: for a network or a server that no longer responds. */
export const destroySocket = (client: pg.ClientBase): void => inside(client).connection.stream.destroy();

/**
 * Connects. A client that fails is closed: pg leaves the socket open if the client itself gave up, e.g. because the server
 * asks for a password and none is configured, and the server would wait for a minute.
 */
export async function connectClient(client: pg.Client): Promise<void> {
  try {
    await client.connect();
  } catch (error) {
    destroySocket(client);
    throw error;
  }
}

/**
 * A client for a pool that is closed when it cannot connect; pg-pool itself only drops its reference to it. The callback is
 * called at once: pg-pool adds its listener for errors there, and the server's next message may be one.
 */
export class PoolClient extends pg.Client {
  override connect(): Promise<pg.Client>;
  override connect(callback: (error: Error) => void): void;
  override connect(callback?: (error: Error) => void): Promise<pg.Client> | undefined {
    if (!callback) return super.connect();
    super.connect((error: Error) => {
      if (error) destroySocket(this);
      callback(error);
    });
    return undefined;
  }
}

/** The id of the server process of this client; null before it is connected, and behind some poolers. */
export const serverProcessId = (client: pg.ClientBase): number | null => inside(client).processID;

/** pg's connection object, which is also passed to `submit(connection)`. */
export const connectionOf = (client: pg.ClientBase): object => inside(client).connection;

/** True when everything that was sent, or queued to be sent, was completed by the server. */
export const isQuiet = (client: pg.ClientBase): boolean =>
  inside(client).readyForQuery && inside(client)._queryQueue.length === 0;

/** The socket under a connection that was handed to `submit`. */
export const streamOf = (connection: pg.Connection): NodeJS.WritableStream =>
  (connection as unknown as ConnectionInternals).stream;

/** Refuses to send the data that a COPY asks for. */
export const refuseCopy = (connection: pg.Connection, reason: string): void =>
  (connection as unknown as ConnectionInternals).sendCopyFail(reason);

/**
 * Asks the server to cancel the running statement of the client. A cancel request uses a connection of its own; a
 * failure to open it is ignored.
 * https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-CANCELING-REQUESTS
 */
export function requestCancel(client: pg.ClientBase, connection: pg.ClientConfig): void {
  const messenger = new pg.Client(connection);
  const { processID, secretKey } = inside(client);
  inside(messenger).connection.on('error', () => {});
  inside(messenger).cancel({ ...inside(client), activeQuery: messenger, processID, secretKey }, messenger);
}
