import { abortable, DedicatedConnection, pause, Service } from '@intendant/core/internal';
import type pg from 'pg';
import type { Logger } from 'pino';
import type { ChangeReader, ReaderEvents } from '../replication/change-reader.ts';
import { claimLeadership } from './leader-claim.ts';
import { Leadership, type LeadershipOptions } from './leadership.ts';

/**
 * One relay leads: it holds the leader's lock on a connection of its own, so leadership ends with the connection. If
 * the leader sends nothing (its process is stopped, or the network hangs), the server ends its session, and another
 * relay leads.
 */
const RETRY_MS = 1_000;
/** At the first attempt and at every fifth, a relay checks whether a leader holds the lock. */
const CHANGE_KEY_AT = 5;
const SILENCE_LIMIT_MS = 8_000;
const QUERY_TIMEOUT_MS = 6_000;

export interface RelayOptions extends LeadershipOptions {
  readonly connection: pg.ClientConfig;
  readonly logger: Logger;
  /** SQL that runs when the connection is opened: it sets the role. */
  readonly setUp: string;
  /** Opens what fills the log from the write-ahead log while this relay leads; undefined if triggers fill the log. */
  readonly openReader?: ((events: ReaderEvents) => Promise<ChangeReader>) | undefined;
}

/** `waiting`: not connected, or another relay leads; `awake`: leads and polls; `asleep`: leads and waits for a notification. */
export type RelayState = 'waiting' | 'awake' | 'asleep';

/** Tries to lead between start and stop. While it leads, it announces up to which number the log is settled. */
export class Relay {
  readonly #options: RelayOptions;
  readonly #service: Service;
  #leadership: Leadership | undefined;
  #pastAnnouncements = 0;
  #obstacle: string | undefined;

  constructor(options: RelayOptions) {
    this.#options = options;
    this.#service = new Service({
      logger: options.logger,
      messages: {
        began: 'the relay lost its connection, and connects again',
        ended: 'the relay is connected again',
      },
      backoff: { minMs: RETRY_MS, maxMs: RETRY_MS },
      run: async ({ signal, ready }) => {
        await this.#session(signal, ready);
        return RETRY_MS;
      },
    });
  }

  get state(): RelayState {
    if (!this.#leadership) return 'waiting';
    return this.#leadership.isAwake ? 'awake' : 'asleep';
  }

  /** Number of announcements of this relay. */
  get announcements(): number {
    return this.#pastAnnouncements + (this.#leadership?.announcements ?? 0);
  }

  /** The reason why this relay cannot lead yet, if it is known. */
  get obstacle(): string | undefined {
    return this.#obstacle;
  }

  /** May be called again, also after `stop`. */
  start(): void {
    void this.#service.start();
  }

  async stop(): Promise<void> {
    await this.#service.stop();
  }

  /** Rejects when the connection is lost. */
  async #session(stopping: AbortSignal, ready: () => void): Promise<void> {
    await using connection = await DedicatedConnection.open({
      connection: this.#options.connection,
      applicationName: 'intendant relay',
      timeoutMs: QUERY_TIMEOUT_MS,
      silenceLimitMs: SILENCE_LIMIT_MS,
      // An announcement may be lost in a crash. But the relay's later reads must see the changes that the check found settled.
      setUp: `set synchronous_commit = off; set default_transaction_isolation = 'read committed'; ${this.#options.setUp}`,
    });
    ready();
    const { client, lost } = connection;
    const signal = AbortSignal.any([stopping, lost]);
    if (await becomeLeader(client, signal)) await this.#lead(client, signal);
    if (!stopping.aborted) lost.throwIfAborted();
  }

  async #lead(client: pg.ClientBase, signal: AbortSignal): Promise<void> {
    this.#options.logger.info('this process leads the relay');
    const failed = new AbortController();
    const leadership = new Leadership(client, this.#options);
    const reader = await this.#makeReader(leadership, failed);
    this.#leadership = leadership;
    try {
      if (reader) await this.#startReader(reader, client, signal);
      await leadership.lead(AbortSignal.any([signal, failed.signal]));
      failed.signal.throwIfAborted();
    } finally {
      await reader?.stop();
      this.#pastAnnouncements += leadership.announcements;
      this.#leadership = undefined;
    }
  }

  /** The server ends a session that sends nothing for long; the reader may take longer. */
  async #startReader(reader: ChangeReader, client: pg.ClientBase, signal: AbortSignal): Promise<void> {
    const keepAlive = setInterval(() => void client.query('select 1').catch(() => {}), SILENCE_LIMIT_MS / 4);
    try {
      await abortable(reader.start(), signal);
    } finally {
      clearInterval(keepAlive);
      this.#obstacle = undefined;
    }
  }

  async #makeReader(leadership: Leadership, failed: AbortController): Promise<ChangeReader | undefined> {
    return this.#options.openReader?.({
      onWaiting: (blockers) => {
        this.#obstacle = `the replication slot waits for transactions that are open: ${blockers}`;
      },
      onAppended: () => leadership.ring(),
      onFailure: (error) => failed.abort(error),
    });
  }
}

async function becomeLeader(client: pg.ClientBase, signal: AbortSignal): Promise<boolean> {
  for (let attempt = 0; !signal.aborted; attempt++) {
    if (await claimLeadership(client, attempt % CHANGE_KEY_AT === 0)) return true;
    await pause(RETRY_MS, signal);
  }
  return false;
}
