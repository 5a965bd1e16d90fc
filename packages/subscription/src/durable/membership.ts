import { Bell, DedicatedConnection, Service } from '@intendant/core/internal';
import type pg from 'pg';
import type { Logger } from 'pino';
import { joinName, leaveName, type NameSituation, readNameSituations } from './slots.ts';

/** Interval between two checks of a member's names, in milliseconds. */
const ROUND_MS = 1_000;
/** The server ends the session of a process that has sent nothing for this long, in milliseconds; the same as for the relay. */
const SILENCE_LIMIT_MS = 8_000;

/** A subscription that works under a name. */
export interface MemberSubscription {
  readonly name: string;
  /** Claims and releases slots as needed. Must not wait for handlers. */
  reconcile(situation: NameSituation, client: pg.ClientBase): Promise<void>;
  /** The name was removed: the subscription no longer owns any slot. */
  noteForgotten(): void;
  /** The member's connection is lost, so other members may claim its slots. Resolves when running calls have ended. */
  abandon(): Promise<void>;
}

/**
 * The durable subscriptions of this process: they share one connection and one round of checks per second. The
 * connection represents their membership. It is opened for the first subscription, and again after a loss, with new
 * member numbers, and closed after the last one.
 */
export class Membership {
  readonly #connection: pg.ClientConfig;
  readonly #setUp: string;
  readonly #service: Service;
  /** `ring` starts the next round immediately. */
  readonly #bell = new Bell();
  /** The subscriptions, with their member numbers once they are assigned. */
  readonly #users = new Map<MemberSubscription, number | undefined>();
  #client: pg.Client | undefined;
  #last: Promise<void> = Promise.resolve();

  /** `setUp` is SQL that runs when the connection is opened. */
  constructor(connection: pg.ClientConfig, setUp: string, logger: Logger) {
    this.#connection = connection;
    this.#setUp = setUp;
    this.#service = new Service({
      logger,
      messages: {
        began:
          'durable subscriptions lost their connection, and other processes may take over their work; connecting again',
        ended: 'durable subscriptions are connected again',
      },
      run: async ({ signal, ready }) => {
        await this.#connect(signal, ready);
        return 0;
      },
      backoff: { minMs: 100, maxMs: ROUND_MS },
    });
  }

  add(user: MemberSubscription): void {
    this.#users.set(user, undefined);
    void this.#service.start();
    this.checkNow();
  }

  /** Removes a subscription whose slots were released. */
  async remove(user: MemberSubscription): Promise<void> {
    const member = this.#users.get(user);
    this.#users.delete(user);
    await this.#exclusively(async () => {
      if (this.#client && member !== undefined) await leaveName(this.#client, user.name, member);
    }).catch(() => {}); // Without the connection the membership has ended anyway.
    // The server would end a session that is not used, and that would look like a lost connection.
    if (this.#users.size === 0) await this.#service.stop();
  }

  /** Runs one exchange at a time on the connection. */
  #exclusively(act: () => Promise<void>): Promise<void> {
    const done = this.#last.then(act);
    this.#last = done.catch(() => {});
    return done;
  }

  /** Starts the next round immediately. */
  checkNow(): void {
    this.#bell.ring();
  }

  stop(): Promise<void> {
    return this.#service.stop();
  }

  async #connect(signal: AbortSignal, ready: () => void): Promise<void> {
    const connection = await DedicatedConnection.open({
      connection: this.#connection,
      applicationName: 'intendant member',
      silenceLimitMs: SILENCE_LIMIT_MS,
      setUp: this.#setUp,
    });
    try {
      ready();
      for (const user of this.#users.keys()) this.#users.set(user, undefined);
      this.#client = connection.client;
      await this.#rounds(connection, signal);
    } finally {
      this.#client = undefined;
      connection.close();
      await Promise.all([...this.#users.keys()].map((user) => user.abandon()));
    }
  }

  async #rounds({ client, lost }: DedicatedConnection, stopping: AbortSignal): Promise<void> {
    const signal = AbortSignal.any([stopping, lost]);
    while (!stopping.aborted) {
      this.#bell.silence();
      await this.#exclusively(() => this.#round(client));
      await this.#bell.wait(ROUND_MS, signal);
      if (!stopping.aborted) lost.throwIfAborted();
    }
  }

  async #round(client: pg.ClientBase): Promise<void> {
    for (const [user, member] of this.#users) if (member === undefined) await this.#join(client, user);
    const users = new Map([...this.#users].map(([user, member]) => [member as number, user]));
    if (users.size === 0) return;
    const names = [...users.values()].map(({ name }) => name);
    const situations = await readNameSituations(client, names, [...users.keys()]);
    const situationOf = new Map(situations.map((situation) => [situation.member, situation]));
    for (const [member, user] of users) {
      const situation = situationOf.get(member);
      if (!this.#users.has(user)) continue;
      if (situation?.isMember) await user.reconcile(situation, client);
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
