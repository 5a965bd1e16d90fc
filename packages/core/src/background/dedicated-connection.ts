import pg from 'pg';
import { destroySocket } from '../exchange/pg-internals.ts';
import { SET_VALUE_SETTINGS } from '../exchange/value-settings.ts';
import { startTimer } from './timer.ts';

export interface DedicatedConnectionOptions {
  readonly connection: pg.ClientConfig;
  /** Shown in `pg_stat_activity`, e.g. `intendant relay`. */
  readonly applicationName: string;
  /** Limit for connecting and for each query, in milliseconds: a hung network shows as an error. Default 5,000. */
  readonly timeoutMs?: number;
  /**
   * The server ends the session, and releases its locks, if the client has sent nothing for this long, in
   * milliseconds. For a client that holds locks; it must then send something more often. Default: no limit.
   */
  readonly silenceLimitMs?: number;
  /** SQL that is run once, when the connection is made: `listen …`. Default none. */
  readonly setUp?: string;
}

const TIMEOUT_MS = 5_000;
/** How long to wait for the server to close the connection before the socket is closed, in milliseconds. */
const CLOSE_TIMEOUT_MS = 1_000;

/** One connection that a background part holds for itself, outside the pool: for locks, LISTEN and replication. */
export class DedicatedConnection implements AsyncDisposable {
  readonly client: pg.Client;
  readonly #lost = new AbortController();

  private constructor(client: pg.Client) {
    this.client = client;
    client.on('error', (error) => this.#lose(error));
    client.on('end', () => this.#lose(new Error('the connection ended')));
  }

  /** Connects. Rejects with the error of pg, and then leaves nothing open. */
  static async open(options: DedicatedConnectionOptions): Promise<DedicatedConnection> {
    const opened = new DedicatedConnection(new pg.Client(clientConfig(options)));
    try {
      await opened.client.connect();
      await opened.client.query(setUpSql(options));
      return opened;
    } catch (error) {
      opened.close();
      throw error;
    }
  }

  /** Aborts, with the error as its reason, when the connection is lost; also when it is closed. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /** Closes the connection without waiting for the server, because a broken network would not respond. May be called again. */
  close(): void {
    this.#lose(new Error('the connection was closed'));
    this.client.end().catch(() => {});
    startTimer(CLOSE_TIMEOUT_MS, () => destroySocket(this.client), { keepsProcess: false });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }

  #lose(error: Error): void {
    if (!this.#lost.signal.aborted) this.#lost.abort(error);
  }
}

const clientConfig = ({ connection, applicationName, timeoutMs = TIMEOUT_MS }: DedicatedConnectionOptions) => ({
  ...connection,
  application_name: applicationName,
  keepAlive: true,
  connectionTimeoutMillis: timeoutMs,
  query_timeout: timeoutMs,
});

/** TCP keepalives on the server detect a lost client in about eleven seconds; the server's default is hours. */
const KEEPALIVES = ['set tcp_keepalives_idle = 5', 'set tcp_keepalives_interval = 2', 'set tcp_keepalives_count = 3'];

function setUpSql({ silenceLimitMs, setUp }: DedicatedConnectionOptions): string {
  const limit = silenceLimitMs === undefined ? [] : [`set idle_session_timeout = ${silenceLimitMs}`, ...KEEPALIVES];
  return [SET_VALUE_SETTINGS, ...limit, ...(setUp ? [setUp] : [])].join('; ');
}
