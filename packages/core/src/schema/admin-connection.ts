import pg from 'pg';
import { PoolClient } from '../exchange/pg-internals.ts';
import { type Purpose, registerTransaction } from './register-transaction.ts';
import { asSchemaError, isCatalogConflict } from './schema-error.ts';

export interface AdminConnectionOptions {
  readonly adminConnection: pg.ClientConfig;
  /** False when no admin connection was given and the application login is used. */
  readonly hasAdminConnection: boolean;
  /** Whether the store has `distribution`. */
  readonly isDistributed: boolean;
}

/** Runs in a transaction of the admin login. */
export type InTransaction = <T>(purpose: Purpose, run: (client: pg.ClientBase) => Promise<T>) => Promise<T>;

/** A process registers several times when it starts: by its store, its subscriptions and its realization. */
const IDLE_MS = 2000;

/** Registrations can still conflict outside the lock, e.g. in catalogs shared by all databases of the server. */
const MAX_ATTEMPTS = 5;

/**
 * Connections of the admin login. Each is kept for two seconds after its use, for the next registration: a new one would
 * have to log in and to read the catalogs again.
 */
export class AdminConnection {
  readonly #options: AdminConnectionOptions;
  readonly #pool: pg.Pool;

  constructor(options: AdminConnectionOptions) {
    this.#options = options;
    this.#pool = new pg.Pool({
      application_name: 'intendant register',
      ...options.adminConnection,
      idleTimeoutMillis: IDLE_MS,
      allowExitOnIdle: true,
      Client: PoolClient,
    });
    this.#pool.on('connect', (client) => client.on('error', () => {})); // The running statement rejects with the same error.
    this.#pool.on('error', () => {}); // An idle connection was lost; a new one is opened when it is needed.
  }

  /** Repeats `run` when it fails because of another registration. Throws what register throws. */
  async use<T>(run: (transaction: InTransaction) => Promise<T>): Promise<T> {
    const { hasAdminConnection, isDistributed } = this.#options;
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#withClient((client) =>
          run((purpose, inside) => registerTransaction(client, purpose, isDistributed, inside)),
        );
      } catch (error) {
        if (attempt >= MAX_ATTEMPTS || !isCatalogConflict(error)) throw asSchemaError(error, hasAdminConnection);
      }
    }
  }

  /** Closes idle connections. One that is in use is not waited for, and is closed after its use. */
  async close(): Promise<void> {
    const isIdle = this.#pool.idleCount === this.#pool.totalCount;
    const ended = this.#pool.end();
    if (isIdle) await ended;
  }

  async #withClient<T>(run: (client: pg.ClientBase) => Promise<T>): Promise<T> {
    const client = await this.#connect();
    let hasFailed = true;
    try {
      const result = await run(client);
      hasFailed = false;
      return result;
    } finally {
      client.release(hasFailed);
    }
  }

  /** The server may have closed a connection while it was idle. */
  async #connect(): Promise<pg.PoolClient> {
    while (this.#pool.idleCount > 0) {
      const client = await this.#pool.connect();
      if (await isAlive(client)) return client;
      client.release(true);
    }
    return this.#pool.connect();
  }
}

const isAlive = (client: pg.ClientBase): Promise<boolean> =>
  client.query('select').then(
    () => true,
    () => false,
  );
