import { Bell, pause } from '@intendant/core/internal';
import type pg from 'pg';
import { DOORBELL_CHANNEL, RING_OF_OPENING } from '../log/names.ts';
import { SettledTracker } from '../log/settled.ts';
import { announce, type LogIdentity, look, RELEASE_DOORBELL, readLogIdentity, TAKE_DOORBELL } from './look.ts';
import { LookPause, NumberRate, RingRate } from './pace.ts';

/*
 * The leader either listens or polls.
 *
 * Listening, it leaves the doorbell free: every writer that appends rings at its commit, and the leader looks once for
 * each ring. While a look has found open writers, it looks again without a ring: one that rolls back does not ring.
 *
 * Polling, it holds the doorbell lock exclusively, which keeps writers silent, and looks every few milliseconds. To listen
 * again it releases the doorbell and then looks once more. A writer appends first and tries the bell afterwards: if it
 * was refused, it had appended before the release, so this look sees its number, and looks go on until it has ended; if
 * it was not refused, it rings.
 */
const HEARTBEAT_MS = 2_000;
const MAINTAIN_EVERY_MS = 60_000;

export interface LeadershipOptions {
  /** Changes older than this may be dropped. */
  readonly retentionMs: number;
  /** Changes in one partition of the log. */
  readonly partitionSize: number;
  /** Called in this process with each announcement, before other processes receive it. */
  readonly onAnnouncement: (payload: string) => void;
  /** For tests: runs between the last look of polling and the release of the doorbell. */
  readonly beforeRelease?: (() => Promise<void>) | undefined;
}

/** One leader's time in office, on its connection. */
export class Leadership {
  readonly #client: pg.ClientBase;
  readonly #options: LeadershipOptions;
  readonly #bell = new Bell();
  readonly #tracker = new SettledTracker();
  readonly #rings = new RingRate();
  readonly #pause = new LookPause();
  #log: LogIdentity = { logId: '', channel: '' };
  #noted = 0;
  /** A process asked: announce even if nothing has changed. */
  #isAsked = true;
  #isPolling = false;
  #isQuiet = false;
  #announcements = 0;
  #toldAt = 0;

  constructor(client: pg.ClientBase, options: LeadershipOptions) {
    this.#client = client;
    this.#options = options;
    client.on('notification', ({ payload }) => this.#noteRing(payload === RING_OF_OPENING));
  }

  /** Looks without being rung for: it polls, or waits for a writer that is open. */
  get isAwake(): boolean {
    return this.#isPolling || !this.#isQuiet;
  }

  get announcements(): number {
    return this.#announcements;
  }

  /** Something was appended behind the writers' backs. */
  ring(): void {
    this.#bell.ring();
  }

  #noteRing(isOpening: boolean): void {
    if (isOpening) this.#isAsked = true;
    else this.#rings.noteRing(performance.now());
    this.#bell.ring();
  }

  /** Until the signal aborts. Rejects when the connection is lost. */
  async lead(signal: AbortSignal): Promise<void> {
    await this.#client.query(`listen ${DOORBELL_CHANNEL}`);
    this.#log = await readLogIdentity(this.#client);
    // A leader before us whose session is just ending may still hold the doorbell.
    await this.#look(TAKE_DOORBELL + RELEASE_DOORBELL);
    let maintainAt = 0;
    while (!signal.aborted) {
      if (performance.now() >= maintainAt) {
        await this.#maintain();
        maintainAt = performance.now() + MAINTAIN_EVERY_MS;
      }
      await (this.#rings.isHigh ? this.#poll(signal) : this.#listen(signal));
    }
  }

  /** One look, and the wait for the next. */
  async #listen(signal: AbortSignal): Promise<void> {
    this.#bell.silence();
    this.#rings.noteLook();
    const lookMs = await this.#look('');
    if (this.#isQuiet) await this.#bell.wait(HEARTBEAT_MS, signal);
    else await this.#bell.wait(this.#pause.next(lookMs, true), signal);
  }

  /** Until few changes come. */
  async #poll(signal: AbortSignal): Promise<void> {
    this.#isPolling = true;
    let lookMs = await this.#look(TAKE_DOORBELL);
    const rate = new NumberRate(performance.now(), this.#noted);
    while (!signal.aborted && !rate.isLow(performance.now(), this.#noted)) {
      await pause(this.#pause.next(lookMs, !this.#isQuiet), signal);
      lookMs = await this.#look('');
    }
    await this.#options.beforeRelease?.();
    this.#rings.reset();
    this.#isQuiet = false;
    this.#isPolling = false;
    await this.#look(RELEASE_DOORBELL);
  }

  /** Returns how long it took, in milliseconds. What is to be done before the look goes in the same round trip. */
  async #look(before: string): Promise<number> {
    const began = performance.now();
    const { settled: after } = this.#tracker;
    const isForced = this.#isAsked || began - this.#toldAt >= HEARTBEAT_MS - 100;
    this.#isAsked = false; // A process that asks during this look may miss its announcement.
    const found = await look(this.#client, this.#log, { before, after, isForced });
    this.#noted = found.noted;
    const settled = this.#tracker.observe(found);
    if (found.payloads.length > 0) this.#tell(found.payloads);
    else if (settled > after || isForced)
      this.#tell(await announce(this.#client, this.#log, { after, settled, last: this.#noted }));
    this.#isQuiet = this.#tracker.isQuiet;
    return performance.now() - began;
  }

  #tell(payloads: readonly string[]): void {
    this.#toldAt = performance.now();
    this.#announcements++;
    for (const payload of payloads) this.#options.onAnnouncement(payload);
  }

  async #maintain(): Promise<void> {
    const { retentionMs, partitionSize } = this.#options;
    await this.#client.query("select intendant.keep_change_log($1 * interval '1 millisecond', $2)", [
      retentionMs,
      partitionSize,
    ]);
  }
}
