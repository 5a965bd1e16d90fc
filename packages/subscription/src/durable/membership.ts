import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import type { Logger } from 'pino';
import { destroySocket } from '../destroy-socket.ts';
import { joinName, leaveName, lookAtNames, type NameSituation } from './slots.ts';

/** How often a member looks who else works under its names. */
const ROUND_MS = 1_000;

/** As for the relay: the server ends a session that no longer speaks. */
const SESSION = `set idle_session_timeout = '8s'; set tcp_keepalives_idle = 5; set tcp_keepalives_interval = 2; set tcp_keepalives_count = 3`;

/** A subscription that works under a name. */
export interface MemberSubscription {
  readonly name: string;
  /** Takes and gives back slots as the situation asks. Must not wait for handlers. */
  attend(situation: NameSituation, client: pg.ClientBase): Promise<void>;
  /** The name was removed: nothing of it is this subscription's any more. */
  noteForgotten(): void;
  /** The member's connection is lost: all its slots may be others' by now. Resolves when nothing of them is under way. */
  abandon(): Promise<void>;
}

/**
 * This process's subscriptions among those that share durable names: one connection, whose life is that of its members, and
 * one look a second for all of them. Connects when there is a first user, and again after a loss, as new members.
 */
export class Membership {
  readonly #connection: pg.ClientConfig;
  readonly #logger: Logger;
  readonly #stopping = new AbortController();
  /** With their numbers, once they have them. */
  readonly #users = new Map<MemberSubscription, number | undefined>();
  /** Resolved to have a round at once. */
  #nudge = Promise.withResolvers<void>();
  #running: Promise<void> | undefined;
  #client: pg.Client | undefined;
  #last: Promise<void> = Promise.resolve();
  #isDown = false;

  constructor(connection: pg.ClientConfig, logger: Logger) {
    this.#connection = connection;
    this.#logger = logger;
  }

  add(user: MemberSubscription): void {
    this.#users.set(user, undefined);
    this.#running ??= this.#run();
    this.nudge();
  }

  /** After its slots were given back. */
  async remove(user: MemberSubscription): Promise<void> {
    const member = this.#users.get(user);
    this.#users.delete(user);
    await this.#exclusively(async () => {
      if (this.#client && member !== undefined) await leaveName(this.#client, user.name, member);
    }).catch(() => {}); // Its connection is lost, which says the same.
  }

  /** One conversation at a time on the connection. */
  #exclusively(act: () => Promise<void>): Promise<void> {
    const done = this.#last.then(act);
    this.#last = done.catch(() => {});
    return done;
  }

  /** There is something to look at. */
  nudge(): void {
    this.#nudge.resolve();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.nudge();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await this.#connected().catch((error) => this.#noteDown(error));
      this.#client = undefined;
      await Promise.all([...this.#users.keys()].map((user) => user.abandon()));
      if (!signal.aborted) await delay(this.#isDown ? ROUND_MS : 0, undefined, { signal }).catch(() => {});
    }
  }

  #noteDown(error: unknown): void {
    if (this.#stopping.signal.aborted || this.#isDown) return;
    this.#isDown = true;
    this.#logger.warn(
      { reason: (error as Error).message },
      'durable subscriptions lost their connection, and others may take their work over',
    );
  }

  async #connected(): Promise<void> {
    const client = new pg.Client({
      ...this.#connection,
      application_name: 'intendant member',
      keepAlive: true,
      connectionTimeoutMillis: 5_000,
      query_timeout: 5_000,
    });
    const lost = Promise.withResolvers<never>();
    lost.promise.catch(() => {});
    client.on('error', (error) => lost.reject(error));
    client.on('end', () => lost.reject(new Error('the connection ended')));
    try {
      await client.connect();
      await client.query(SESSION);
      if (this.#isDown) this.#logger.info('durable subscriptions are connected again');
      this.#isDown = false;
      for (const user of this.#users.keys()) this.#users.set(user, undefined);
      this.#client = client;
      await this.#rounds(client, lost.promise);
    } finally {
      client.end().catch(() => {});
      setTimeout(() => destroySocket(client), 1_000).unref();
    }
  }

  async #rounds(client: pg.ClientBase, lost: Promise<never>): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      this.#nudge = Promise.withResolvers();
      await this.#exclusively(() => this.#round(client));
      const wait = new AbortController();
      const timer = delay(ROUND_MS, undefined, { signal: wait.signal }).catch(() => {});
      await Promise.race([timer, this.#nudge.promise, lost]).finally(() => wait.abort());
    }
  }

  async #round(client: pg.ClientBase): Promise<void> {
    for (const [user, member] of this.#users) if (member === undefined) await this.#join(client, user);
    const users = new Map([...this.#users].map(([user, member]) => [member as number, user]));
    if (users.size === 0) return;
    const names = [...users.values()].map(({ name }) => name);
    const situations = await lookAtNames(client, names, [...users.keys()]);
    const situationOf = new Map(situations.map((situation) => [situation.member, situation]));
    for (const [member, user] of users) {
      const situation = situationOf.get(member);
      if (!this.#users.has(user)) continue;
      if (situation?.isMember) await user.attend(situation, client);
      else user.noteForgotten();
    }
  }

  async #join(client: pg.ClientBase, user: MemberSubscription): Promise<void> {
    const member = await joinName(client, user.name);
    if (!this.#users.has(user)) {
      if (member !== undefined) await leaveName(client, user.name, member);
      return;
    }
    if (member !== undefined) this.#users.set(user, member);
    else {
      this.#users.delete(user);
      user.noteForgotten();
    }
  }
}
