import { randomBytes } from 'node:crypto';
import { ConfigurationError } from '@intendant/core';
import type pg from 'pg';
import pgListen, { type Subscriber } from 'pg-listen';
import type { Logger } from 'pino';
import { SETTLED_CHANNEL } from '../log/names.ts';
import type { SettledNotice } from '../source/horizon.ts';

/** At run time the CommonJS module is the function itself; its types place it under `default`. */
const createSubscriber = pgListen as unknown as typeof pgListen.default;

/** A LISTEN that nobody answers within this time was made through a pooler that breaks it. */
const SELF_TEST_MS = 3_000;

/**
 * The process's one LISTEN connection. pg-listen connects again after a loss; what it lacks is added here: a limit for
 * each query and connect (a network that hangs), no end to its tries, and an end to them when we close.
 */
export class Announcements {
  readonly #listener: Subscriber<Record<string, string>>;
  readonly #logger: Logger;
  #isClosed = false;
  #isDown = false;
  #losses = 0;

  constructor(connection: pg.ClientConfig, logger: Logger, onNotice: (notice: SettledNotice) => void) {
    this.#logger = logger;
    this.#listener = createSubscriber(
      {
        ...connection,
        application_name: 'intendant listener',
        connectionTimeoutMillis: 5_000,
        query_timeout: 5_000,
      } as pg.ClientConfig,
      {
        retryTimeout: 0,
        retryInterval: (attempt) => Math.min(100 * 2 ** attempt, 2_000),
        paranoidChecking: 5_000,
        parse: String,
        serialize: String,
      },
    );
    this.#listener.notifications.on(SETTLED_CHANNEL, (payload) => onNotice(JSON.parse(payload) as SettledNotice));
    this.#listener.events.on('reconnect', () => this.#noteLoss());
    this.#listener.events.on('connected', () => this.#noteReturn());
    this.#listener.events.on('error', (error) => {
      if (!this.#isClosed) logger.warn({ reason: error.message }, 'listening for changes failed');
    });
  }

  get isConnected(): boolean {
    return !this.#isDown;
  }

  /** How often the connection was lost. */
  get losses(): number {
    return this.#losses;
  }

  async start(): Promise<void> {
    await this.#listener.connect();
    await this.#listener.listenTo(SETTLED_CHANNEL);
    await this.#testItself();
  }

  async stop(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#listener.close().catch(() => {});
  }

  /** Throwing here is the way to end pg-listen's tries. */
  #noteLoss(): void {
    if (this.#isClosed) throw new Error('closed');
    if (this.#isDown) return;
    this.#isDown = true;
    this.#losses++;
    this.#logger.warn('the listener lost its connection, and tries again');
  }

  #noteReturn(): void {
    if (this.#isClosed) void this.#listener.close().catch(() => {});
    else if (this.#isDown) this.#logger.info('the listener is connected again');
    this.#isDown = false;
  }

  async #testItself(): Promise<void> {
    const channel = `intendant_test_${randomBytes(6).toString('hex')}`;
    const heard = new Promise<boolean>((resolve) => {
      const timer = setTimeout(() => resolve(false), SELF_TEST_MS);
      this.#listener.notifications.once(channel, () => {
        clearTimeout(timer);
        resolve(true);
      });
    });
    await this.#listener.listenTo(channel);
    await this.#listener.notify(channel, 'heard');
    const isHeard = await heard;
    await this.#listener.unlisten(channel);
    if (!isHeard) {
      throw new ConfigurationError(
        'LISTEN does not work over this connection: connect to Postgres itself, not through a pooler in transaction mode',
      );
    }
  }
}
