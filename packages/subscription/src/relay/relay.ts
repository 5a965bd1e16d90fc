import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import type { Logger } from 'pino';
import { destroySocket } from '../destroy-socket.ts';
import { DOORBELL_CHANNEL, LEADER_LOCK } from '../log/names.ts';
import { WalReader } from '../replication/wal-reader.ts';
import type { SettledNotice } from '../source/horizon.ts';
import { Bell } from './bell.ts';
import { Leadership } from './leadership.ts';

/*
 * One relay leads: it holds the leader's lock on a connection of its own, so that leadership ends with the connection.
 * The server ends the session of a relay that no longer speaks (a hung network, a stopped process), and another leads.
 */
const RETRY_MS = 1_000;

const SESSION = `set idle_session_timeout = '8s'; set tcp_keepalives_idle = 5; set tcp_keepalives_interval = 2; set tcp_keepalives_count = 3; listen ${DOORBELL_CHANNEL}`;

export interface RelayOptions {
  readonly connection: pg.ClientConfig;
  readonly logger: Logger;
  readonly retentionMs: number;
  readonly partitionSize: number;
  /** Called in this process with how far the log is settled, before the others hear of it. */
  readonly onNotice: (notice: SettledNotice) => void;
  /** Fills the log while this relay leads, from the write-ahead log; undefined where triggers do. */
  readonly replication?: pg.ClientConfig | undefined;
  /** For tests: runs between the last look awake and the release of the doorbell. */
  readonly beforeRelease?: () => Promise<void>;
}

/** Not connected, or another leads; leads and looks; leads and waits for a ring. */
export type RelayState = 'waiting' | 'awake' | 'asleep';

/** Tries to lead from start to stop; while leading, tells everybody how far the log is settled. */
export class Relay {
  readonly #options: RelayOptions;
  readonly #stopping = new AbortController();
  readonly #bell = new Bell();
  #running: Promise<void> | undefined;
  #leadership: Leadership | undefined;
  #isDown = false;
  #pastAnnouncements = 0;
  #readerFailure: Error | undefined;

  constructor(options: RelayOptions) {
    this.#options = options;
  }

  get state(): RelayState {
    if (!this.#leadership) return 'waiting';
    return this.#leadership.isAwake ? 'awake' : 'asleep';
  }

  /** How often this relay has told how far the log is settled. */
  get announcements(): number {
    return this.#pastAnnouncements + (this.#leadership?.announcements ?? 0);
  }

  start(): void {
    this.#running ??= this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#bell.ring();
    await this.#running;
  }

  get #isStopping(): boolean {
    return this.#stopping.signal.aborted;
  }

  async #run(): Promise<void> {
    while (!this.#isStopping) {
      await this.#session().catch((error) => this.#noteDown(error));
      await this.#pause();
    }
  }

  async #pause(): Promise<void> {
    await delay(RETRY_MS, undefined, { signal: this.#stopping.signal }).catch(() => {});
  }

  #noteDown(error: unknown): void {
    if (this.#isStopping || this.#isDown) return;
    this.#isDown = true;
    this.#options.logger.warn({ reason: (error as Error).message }, 'the relay lost its connection, and tries again');
  }

  async #session(): Promise<void> {
    const client = new pg.Client({
      ...this.#options.connection,
      application_name: 'intendant relay',
      keepAlive: true,
      connectionTimeoutMillis: 5_000,
      query_timeout: 6_000,
    });
    let failure: Error | undefined;
    client.on('error', (error) => {
      failure = error;
      this.#bell.ring();
    });
    client.on('notification', () => this.#bell.ring());
    try {
      await client.connect();
      await client.query(SESSION);
      if (this.#isDown) this.#options.logger.info('the relay is connected again');
      this.#isDown = false;
      if (await this.#becomeLeader(client)) await this.#lead(client, () => failure);
    } finally {
      // Not awaited: on a network that hangs nobody would answer.
      client.end().catch(() => {});
      setTimeout(() => destroySocket(client), 1_000).unref();
    }
  }

  async #becomeLeader(client: pg.Client): Promise<boolean> {
    while (!this.#isStopping) {
      const { rows } = await client.query<{ leads: boolean }>(`select pg_try_advisory_lock(${LEADER_LOCK}) as leads`);
      if (rows[0]?.leads) return true;
      await this.#pause();
    }
    return false;
  }

  #makeReader(connection: pg.ClientConfig): WalReader {
    this.#readerFailure = undefined;
    return new WalReader({
      connection,
      logger: this.#options.logger,
      onAppended: () => this.#bell.ring(),
      onFailure: (error) => {
        this.#readerFailure = error;
        this.#bell.ring();
      },
    });
  }

  async #lead(client: pg.Client, failure: () => Error | undefined): Promise<void> {
    this.#options.logger.info('this process leads the relay');
    const leadership = new Leadership(client, this.#options, this.#bell, this.#stopping.signal);
    const reader = this.#options.replication && this.#makeReader(this.#options.replication);
    this.#leadership = leadership;
    try {
      await reader?.start();
      await leadership.lead(() => failure() ?? this.#readerFailure);
    } finally {
      await reader?.stop();
      this.#pastAnnouncements += leadership.announcements;
      this.#leadership = undefined;
    }
  }
}
