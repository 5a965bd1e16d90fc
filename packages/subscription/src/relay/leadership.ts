import { setTimeout as delay } from 'node:timers/promises';
import type pg from 'pg';
import { DOORBELL_LOCK, SETTLED_CHANNEL } from '../log/names.ts';
import { LOOK, type Look, SettledTracker } from '../log/settled.ts';
import type { Bell } from './bell.ts';
import type { RelayOptions } from './relay.ts';

/*
 * Awake, the leader holds the doorbell lock exclusively, which keeps writers silent, and looks every few milliseconds. To
 * sleep it lets go of the doorbell and then looks once more. A writer appends first and tries the bell afterwards: if it
 * was refused, it had appended before the release, and this look sees its number (and waits for it, awake); if not, it
 * rings.
 */
const LOOK_EVERY_MS = 4;
/** A writer that stays open needs no faster looks, nor does a machine that is busy. */
const LOOK_AT_LEAST_EVERY_MS = 25;
const STAY_AWAKE_MS = 60;
const HEARTBEAT_MS = 2_000;
const MAINTAIN_EVERY_MS = 60_000;

const TAKE_DOORBELL = `select pg_advisory_lock(${DOORBELL_LOCK});`;
const RELEASE_DOORBELL = `select pg_advisory_unlock(${DOORBELL_LOCK});`;

/** One leader's time in office, on its connection. */
export class Leadership {
  readonly #client: pg.Client;
  readonly #options: RelayOptions;
  readonly #bell: Bell;
  readonly #stopping: AbortSignal;
  readonly #tracker = new SettledTracker();
  #logId = '';
  #last = 0;
  #isAwake = true;
  #announcements = 0;

  constructor(client: pg.Client, options: RelayOptions, bell: Bell, stopping: AbortSignal) {
    this.#client = client;
    this.#options = options;
    this.#bell = bell;
    this.#stopping = stopping;
  }

  get isAwake(): boolean {
    return this.#isAwake;
  }

  get announcements(): number {
    return this.#announcements;
  }

  /** Until told to stop. Rejects when the connection is lost, which `failure` then answers. */
  async lead(failure: () => Error | undefined): Promise<void> {
    const { rows } = await this.#client.query<{ id: string }>('select id from intendant.change_log_identity');
    this.#logId = rows[0]?.id as string;
    let maintainAt = performance.now();
    while (!this.#stopping.aborted) {
      const error = failure();
      if (error) throw error;
      if (performance.now() >= maintainAt) {
        await this.#maintain();
        maintainAt = performance.now() + MAINTAIN_EVERY_MS;
      }
      await this.#stayAwake();
      await this.#sleep();
    }
  }

  async #stayAwake(): Promise<void> {
    this.#bell.silence();
    let before = TAKE_DOORBELL;
    let sleepAt = performance.now() + STAY_AWAKE_MS;
    let heartbeatAt = 0;
    let pauseMs = LOOK_EVERY_MS;
    while (!this.#stopping.aborted && (!this.#tracker.isQuiet || performance.now() < sleepAt)) {
      const began = performance.now();
      const hasAdvanced = await this.#look(before);
      before = '';
      this.#isAwake = true;
      if (hasAdvanced || performance.now() >= heartbeatAt) {
        await this.#announce();
        heartbeatAt = performance.now() + HEARTBEAT_MS;
      }
      if (hasAdvanced) sleepAt = performance.now() + STAY_AWAKE_MS;
      pauseMs = hasAdvanced || this.#tracker.isQuiet ? LOOK_EVERY_MS : pauseMs * 1.3;
      // As long as the look took: where the processors are short, the writers come first.
      await delay(Math.min(Math.max(pauseMs, performance.now() - began), LOOK_AT_LEAST_EVERY_MS));
    }
  }

  async #sleep(): Promise<void> {
    await this.#options.beforeRelease?.();
    for (let before = RELEASE_DOORBELL; ; before = '') {
      const hasAdvanced = await this.#look(before);
      if (hasAdvanced || !this.#tracker.isQuiet || this.#bell.isRung || this.#stopping.aborted) return;
      this.#isAwake = false;
      await this.#bell.waitFor(HEARTBEAT_MS);
      if (this.#bell.isRung || this.#stopping.aborted) return;
      await this.#announce();
    }
  }

  /** Whether the log is settled further than before. What is to be done before the look goes in the same round trip. */
  async #look(before: string): Promise<boolean> {
    const results = (await this.#client.query(before + LOOK)) as unknown as pg.QueryResult[];
    const [sequence, locks] = results.slice(-2) as [
      pg.QueryResult<{ noted: string }>,
      pg.QueryResult<{ holder: string }>,
    ];
    this.#last = Number(sequence.rows[0]?.noted);
    const look: Look = { noted: this.#last, holders: new Set(locks.rows.map(({ holder }) => holder)) };
    const { settled } = this.#tracker;
    return this.#tracker.observe(look) > settled;
  }

  async #announce(): Promise<void> {
    const notice = { logId: this.#logId, settled: this.#tracker.settled, last: this.#last };
    this.#options.onNotice(notice);
    this.#announcements++;
    await this.#client.query(`select pg_notify('${SETTLED_CHANNEL}', $1)`, [JSON.stringify(notice)]);
  }

  async #maintain(): Promise<void> {
    const { retentionMs, partitionSize } = this.#options;
    await this.#client.query("select intendant.keep_change_log($1 * interval '1 millisecond', $2)", [
      retentionMs,
      partitionSize,
    ]);
  }
}
