import { randomBytes } from 'node:crypto';
import { ConfigurationError } from '@intendant/core';
import { backoffMs, Outage } from '@intendant/core/internal';
import type pg from 'pg';
import pgListen, { type Subscriber } from 'pg-listen';
import type { Logger } from 'pino';
import { DOORBELL_CHANNEL, RING_OF_OPENING, writersChannel } from '../log/names.ts';
import type { AnnouncementSink } from '../source/announcement-receiver.ts';

/** At run time the CommonJS module is the function itself; its types place it under `default`. */
const createSubscriber = pgListen as unknown as typeof pgListen.default;

/** If LISTEN receives nothing within this time, it was made through a pooler that breaks it. */
const SELF_TEST_MS = 3_000;

export interface AnnouncementsOptions extends AnnouncementSink {
  readonly connection: pg.ClientConfig;
  readonly logger: Logger;
  /** Reads the name of the channel on which the relay announces. */
  readonly readChannel: () => Promise<string>;
}

/**
 * The one LISTEN connection of the process. pg-listen reconnects after a loss. Added here: a time limit for each query
 * and connection attempt (the network may hang), an unlimited number of attempts, and that `stop` ends them.
 */
export class Announcements {
  readonly #options: AnnouncementsOptions;
  readonly #outage: Outage;
  #listening: Listening | undefined;
  #losses = 0;

  constructor(options: AnnouncementsOptions) {
    this.#options = options;
    this.#outage = new Outage(options.logger, {
      began: 'the listener lost its connection, and connects again',
      ended: 'the listener is connected again',
    });
  }

  get isConnected(): boolean {
    return !this.#outage.isOn;
  }

  /** Number of times that the connection was lost. */
  get losses(): number {
    return this.#losses;
  }

  /**
   * Resolves when announcements can be received, and requests one from the relay. May be called any number of times,
   * also after `stop`, and again after it has rejected.
   */
  async start(): Promise<void> {
    this.#listening ??= new Listening(
      this.#options,
      (error) => this.#noteLoss(error),
      () => this.#outage.noteSuccess(),
    );
    const listening = this.#listening;
    try {
      await listening.opened;
    } catch (error) {
      if (this.#listening === listening) await this.stop();
      throw error;
    }
  }

  async stop(): Promise<void> {
    const listening = this.#listening;
    this.#listening = undefined;
    await listening?.close();
  }

  #noteLoss(error: unknown): void {
    if (!this.#outage.isOn) this.#losses++;
    this.#outage.noteFailure(error);
  }
}

/** The listening between one start and its stop. */
class Listening {
  readonly opened: Promise<void>;
  readonly #options: AnnouncementsOptions;
  readonly #listener: Subscriber<Record<string, string>>;
  #channel = '';
  #isClosed = false;

  constructor(options: AnnouncementsOptions, onLoss: (error: unknown) => void, onReturn: () => void) {
    this.#options = options;
    this.#listener = createSubscriber(
      {
        ...options.connection,
        application_name: 'intendant listener',
        connectionTimeoutMillis: 5_000,
        query_timeout: 5_000,
      } as pg.ClientConfig,
      {
        retryTimeout: 0,
        retryInterval: (attempt) => backoffMs({ minMs: 100, maxMs: 2_000 }, attempt),
        paranoidChecking: 10_000,
        parse: String,
        serialize: String,
      },
    );
    this.#follow(onLoss, onReturn);
    this.opened = this.#open();
  }

  #follow(onLoss: (error: unknown) => void, onReturn: () => void): void {
    const { events } = this.#listener;
    events.on('reconnect', () => {
      if (this.#isClosed) throw new Error('closed'); // Ends pg-listen's attempts.
      onLoss(new Error('the connection ended'));
    });
    events.on('connected', () => {
      if (this.#isClosed) void this.#listener.close().catch(() => {});
      else onReturn();
      if (this.#channel !== '') void this.#listenAgain().catch((error) => this.#warn(error));
    });
    events.on('error', (error) => this.#warn(error));
  }

  #warn(error: Error): void {
    if (!this.#isClosed) this.#options.logger.warn({ reason: error.message }, 'listening for changes failed');
  }

  async #open(): Promise<void> {
    const steps = [() => this.#listener.connect(), () => this.#listen(), () => this.#testItself(), () => this.#ask()];
    for (const step of steps) {
      if (this.#isClosed) throw new Error('the listener was stopped while it started');
      await step();
    }
  }

  /** Announcements sent meanwhile were missed, and the database may have been restored, with another channel name. */
  async #listenAgain(): Promise<void> {
    await this.#listen();
    if (!this.#isClosed) await this.#ask();
  }

  /** Requests an announcement from the relay. */
  async #ask(): Promise<void> {
    await this.#listener.notify(DOORBELL_CHANNEL, RING_OF_OPENING);
  }

  async #listen(): Promise<void> {
    const channel = await this.#options.readChannel();
    if (channel === this.#channel || this.#isClosed) return;
    this.#channel = channel;
    this.#listener.notifications.on(channel, this.#options.announced);
    this.#listener.notifications.on(writersChannel(channel), this.#options.noticed);
    await this.#listener.listenTo(channel);
    await this.#listener.listenTo(writersChannel(channel));
  }

  async #testItself(): Promise<void> {
    const channel = `intendant_test_${randomBytes(6).toString('hex')}`;
    const received = new Promise<boolean>((resolve) => {
      const timer = setTimeout(() => resolve(false), SELF_TEST_MS);
      this.#listener.notifications.once(channel, () => {
        clearTimeout(timer);
        resolve(true);
      });
    });
    await this.#listener.listenTo(channel);
    await this.#listener.notify(channel, 'test');
    const wasReceived = await received;
    await this.#listener.unlisten(channel);
    if (!wasReceived) {
      throw new ConfigurationError(
        'createSubscriptions: LISTEN does not work over `connection`: give it the address of Postgres itself, not that of a pooler',
      );
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.opened.catch(() => {}); // A connection that is closed while it opens would never emit `end`.
    await this.#listener.close().catch(() => {});
  }
}
