import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import type { Logger } from 'pino';
import { DOORBELL_CHANNEL, DOORBELL_LOCK, LEADER_LOCK, SETTLED_CHANNEL } from '../log/names.ts';
import { LOOK, type Look, SettledTracker } from '../log/settled.ts';

/*
 * One relay leads: it holds the leader's lock on a connection of its own, so that leadership ends with the connection.
 * Awake, it holds the doorbell lock exclusively, which keeps writers silent, and looks every few milliseconds. To sleep
 * it lets go of the doorbell and then looks once more. A writer appends first and tries the bell afterwards: if it was
 * refused, it had appended before the release, and this look sees its number (and waits for it, awake); if not, it rings.
 *
 * The server ends the session of a relay that no longer speaks (a hung network, a stopped process), and another leads.
 */
const LOOK_EVERY_MS = 3;
/** A writer that stays open needs no faster looks. */
const LOOK_AT_MOST_EVERY_MS = 25;
const STAY_AWAKE_MS = 60;
const HEARTBEAT_MS = 2_000;
const RETRY_MS = 1_000;
const MAINTAIN_EVERY_MS = 60_000;

const SESSION = `set idle_session_timeout = '8s'; set tcp_keepalives_idle = 5; set tcp_keepalives_interval = 2; set tcp_keepalives_count = 3; listen ${DOORBELL_CHANNEL}`;

export interface RelayOptions {
  readonly connection: pg.ClientConfig;
  readonly logger: Logger;
  readonly retentionMs: number;
  readonly partitionSize: number;
  /** Called in this process with how far the log is settled, before the others hear of it. */
  readonly onSettled: (settled: number) => void;
  /** For tests: runs between the last look awake and the release of the doorbell. */
  readonly beforeRelease?: () => Promise<void>;
}

/** Tries to lead from start to stop; while leading, tells everybody how far the log is settled. */
export class Relay {
  readonly #options: RelayOptions;
  readonly #stopping = new AbortController();
  #running: Promise<void> | undefined;
  #wake: (() => void) | undefined;
  #isRung = false;
  #isDown = false;
  #state: 'waiting' | 'awake' | 'asleep' = 'waiting';

  constructor(options: RelayOptions) {
    this.#options = options;
  }

  /** For tests that wait on it. */
  get state(): 'waiting' | 'awake' | 'asleep' {
    return this.#state;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#ring();
    await this.#running;
  }

  get #isStopping(): boolean {
    return this.#stopping.signal.aborted;
  }

  async #run(): Promise<void> {
    while (!this.#isStopping) {
      try {
        await this.#session();
      } catch (error) {
        this.#noteDown(error);
      }
      this.#state = 'waiting';
      if (!this.#isStopping) await delay(RETRY_MS, undefined, { signal: this.#stopping.signal }).catch(() => {});
    }
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
      this.#ring();
    });
    client.on('notification', () => this.#ring());
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
      await delay(RETRY_MS, undefined, { signal: this.#stopping.signal }).catch(() => {});
    }
    return false;
  }

  async #lead(client: pg.Client, failure: () => Error | undefined): Promise<void> {
    this.#options.logger.debug('the relay leads');
    const tracker = new SettledTracker();
    let maintainAt = performance.now();
    while (!this.#isStopping) {
      const error = failure();
      if (error) throw error;
      if (performance.now() >= maintainAt) {
        await this.#maintain(client);
        maintainAt = performance.now() + MAINTAIN_EVERY_MS;
      }
      await this.#stayAwake(client, tracker);
      await this.#sleep(client, tracker);
    }
  }

  async #stayAwake(client: pg.Client, tracker: SettledTracker): Promise<void> {
    await client.query(`select pg_advisory_lock(${DOORBELL_LOCK})`);
    this.#state = 'awake';
    this.#isRung = false;
    let sleepAt = performance.now() + STAY_AWAKE_MS;
    let heartbeatAt = 0;
    let pauseMs = LOOK_EVERY_MS;
    while (!this.#isStopping && (!tracker.isQuiet || performance.now() < sleepAt)) {
      const before = tracker.settled;
      const settled = await this.#look(client, tracker);
      const hasAdvanced = settled > before;
      if (hasAdvanced || performance.now() >= heartbeatAt) {
        await this.#announce(client, settled);
        heartbeatAt = performance.now() + HEARTBEAT_MS;
      }
      if (hasAdvanced) sleepAt = performance.now() + STAY_AWAKE_MS;
      pauseMs = hasAdvanced || tracker.isQuiet ? LOOK_EVERY_MS : Math.min(pauseMs * 1.3, LOOK_AT_MOST_EVERY_MS);
      await delay(pauseMs);
    }
  }

  async #sleep(client: pg.Client, tracker: SettledTracker): Promise<void> {
    await this.#options.beforeRelease?.();
    await client.query(`select pg_advisory_unlock(${DOORBELL_LOCK})`);
    const settledBefore = tracker.settled;
    for (;;) {
      const settled = await this.#look(client, tracker);
      if (settled > settledBefore || !tracker.isQuiet || this.#isRung || this.#isStopping) return;
      this.#state = 'asleep';
      await this.#rung(HEARTBEAT_MS);
      if (this.#isRung || this.#isStopping) return;
      await this.#announce(client, tracker.settled);
    }
  }

  async #look(client: pg.Client, tracker: SettledTracker): Promise<number> {
    const [sequence, locks] = (await client.query(LOOK)) as unknown as [
      pg.QueryResult<{ noted: string }>,
      pg.QueryResult<{ holder: string }>,
    ];
    const look: Look = {
      noted: Number(sequence.rows[0]?.noted),
      holders: new Set(locks.rows.map(({ holder }) => holder)),
    };
    return tracker.observe(look);
  }

  async #announce(client: pg.Client, settled: number): Promise<void> {
    this.#options.onSettled(settled);
    await client.query(`select pg_notify('${SETTLED_CHANNEL}', $1)`, [String(settled)]);
  }

  async #maintain(client: pg.Client): Promise<void> {
    const { retentionMs, partitionSize } = this.#options;
    await client.query("select intendant.keep_change_log($1 * interval '1 millisecond', $2)", [
      retentionMs,
      partitionSize,
    ]);
  }

  #ring(): void {
    this.#isRung = true;
    this.#wake?.();
  }

  #rung(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

/** What pg's types leave out. */
const destroySocket = (client: pg.Client): void =>
  (client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
