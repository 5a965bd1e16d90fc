import { Bell, pause } from '@intendant/core/internal';
import type pg from 'pg';
import { KEEP_SILENT, LEAVE, LET_RING } from '../log/doorbell.ts';
import { DOORBELL_CHANNEL, RING_OF_OPENING, writersChannel } from '../log/names.ts';
import { SettledTracker } from '../log/settled.ts';
import { type Announcement, readAnnouncement } from '../source/announcement.ts';
import { EarlyNotices } from '../source/early-notices.ts';
import { announce, checkLog, type LogIdentity, noteTimeline, readLogIdentity } from './check-log.ts';
import { NumberRate, PollPause, RingRate, Silence, WriterPause } from './pace.ts';

/**
 * The leader either listens or polls.
 *
 * While it listens, writers notify it. A writer that changed a single row sends the row's number and the change to all
 * processes (see doorbell.ts). If no earlier number is missing, no check is needed. The leader checks if a number is
 * missing (its writer is still open, or has rolled back, which sends no notification), if a writer notifies without a
 * number, and every few seconds. While a check has found open writers, it checks again without a notification.
 *
 * While it polls, it keeps writers silent and checks every few milliseconds. To listen again, it lets writers notify and
 * then checks once more. A writer appends first and reads the mode afterwards. So if it read that it must be silent, it
 * had appended before the mode changed: this check sees its number, and the checks go on until its transaction has ended.
 */
/** The server ends the relay's session when the relay has sent nothing for eight seconds. */
const HEARTBEAT_MS = 5_000;
const MAINTAIN_EVERY_MS = 60_000;
const LEAVE_MS = 500;
/** If writers commit in another order than their numbers, the missing number mostly arrives within this time. */
const OVERTAKING_MS = 3;

export interface LeadershipOptions {
  /** Changes older than this may be dropped, in milliseconds. */
  readonly retentionMs: number;
  /** Number of changes in one partition of the log. */
  readonly partitionSize: number;
  /** Called in this process with each announcement, before other processes receive it. */
  readonly onAnnouncement: (payload: string) => void;
  /** For tests: called between the last check of polling and the moment when writers may notify again. */
  readonly beforeRelease?: (() => Promise<void>) | undefined;
}

/** The work of the relay that leads, on its connection. */
export class Leadership {
  readonly #client: pg.ClientBase;
  readonly #options: LeadershipOptions;
  readonly #bell = new Bell();
  readonly #tracker = new SettledTracker();
  readonly #early = new EarlyNotices<Announcement>();
  readonly #rings = new RingRate();
  readonly #silence = new Silence();
  readonly #writerPause = new WriterPause();
  #log: LogIdentity = { logId: '', channel: '' };
  /** The highest number that a writer had taken from the sequence, at the last check. */
  #noted = 0;
  /** Number of transactions that had written to the log and were still open, at the last check; an estimate while polling. */
  #openWriters = 0;
  /** The last check found that the number after the settled ones was missing. */
  #hasGap = false;
  /** A process requested an announcement: announce even if nothing has changed. */
  #isAsked = true;
  /** Something happened that requires a check. */
  #isCheckDue = false;
  #isPolling = false;
  /** Every known change is settled and no writer is open. */
  #isQuiet = false;
  #announcements = 0;
  /** When the last check and the last announcement began, in milliseconds of `performance.now()`. */
  #checkedAt = 0;
  #announcedAt = 0;
  #maintainAt = 0;

  constructor(client: pg.ClientBase, options: LeadershipOptions) {
    this.#client = client;
    this.#options = options;
    client.on('notification', ({ channel, payload = '' }) => {
      if (channel === DOORBELL_CHANNEL) this.#noteRing(payload === RING_OF_OPENING);
      else this.#noteNotice(payload);
    });
  }

  /** Whether it checks without notifications: it polls, or waits for an open writer. */
  get isAwake(): boolean {
    return this.#isPolling || !this.#isQuiet;
  }

  get announcements(): number {
    return this.#announcements;
  }

  /** Requests a check, after changes were appended that no writer notified of. */
  ring(): void {
    this.#isCheckDue = true;
    this.#bell.ring();
  }

  #noteRing(isOpening: boolean): void {
    if (isOpening) this.#isAsked = true;
    else this.#rings.noteRing(performance.now());
    this.ring();
  }

  #noteNotice(payload: string): void {
    this.#rings.noteRing(performance.now());
    const notice = readAnnouncement(payload);
    if (notice.logId === this.#log.logId && notice.settled > this.#tracker.settled) this.#early.keep(notice);
    this.#advance(this.#tracker.settled);
    if (this.#rings.isCheckDue || this.#rings.isHigh) this.ring();
    else if (this.#early.size > 0 && this.#isQuiet) this.#bell.ring();
    else if (this.#early.size === 0 && this.#tracker.isQuiet) this.#isQuiet = true;
  }

  /** The log is settled up to this number, and beyond it as far as the kept notices have no gap. */
  #advance(settled: number): void {
    this.#tracker.advance(settled);
    this.#early.forget(settled);
    for (let next = this.#early.takeAt(settled); next; next = this.#early.takeAt(this.#tracker.settled))
      this.#tracker.advance(next.settled);
  }

  /** Leads until the signal aborts. Rejects when the connection is lost. */
  async lead(signal: AbortSignal): Promise<void> {
    await noteTimeline(this.#client, 0);
    this.#log = await readLogIdentity(this.#client);
    await this.#client.query(`listen ${DOORBELL_CHANNEL}; listen ${writersChannel(this.#log.channel)}`);
    await this.#checkLog(LET_RING);
    while (!signal.aborted) {
      await this.#maintainIfDue();
      await (this.#rings.isHigh ? this.#poll(signal) : this.#listen(signal));
    }
    // If the connection is lost, the next leader sets the mode.
    await Promise.race([this.#client.query(LEAVE).catch(() => {}), pause(LEAVE_MS)]);
  }

  /** Checks once, and waits until there is a reason to check again. */
  async #listen(signal: AbortSignal): Promise<void> {
    this.#bell.silence();
    this.#isCheckDue = false;
    const checkMs = await this.#checkLog('');
    if (this.#isQuiet) this.#writerPause.reset();
    const nextAt = this.#checkedAt + (this.#isQuiet ? HEARTBEAT_MS : this.#writerPause.next(checkMs));
    while (!this.#isCheckDue && !signal.aborted) {
      if (!(await this.#bell.wait(nextAt - performance.now(), signal))) return;
      if (this.#isCheckDue) return;
      await pause(OVERTAKING_MS, signal);
      if (this.#early.size > 0) return;
    }
  }

  /** Polls until the rate of changes is low. */
  async #poll(signal: AbortSignal): Promise<void> {
    this.#isPolling = true;
    if (this.#rings.isBusy) this.#silence.begin(performance.now());
    let checkMs = await this.#checkLog(KEEP_SILENT);
    const rate = new NumberRate(performance.now(), this.#noted);
    const pollPause = new PollPause();
    while (!signal.aborted && !this.#mayRing(rate)) {
      await pause(pollPause.next(checkMs, this.#openWriters), signal);
      await this.#maintainIfDue();
      checkMs = await this.#checkLog('');
    }
    await this.#options.beforeRelease?.();
    this.#rings.reset();
    this.#isQuiet = false;
    this.#isPolling = false;
    await this.#checkLog(LET_RING);
  }

  #mayRing(rate: NumberRate): boolean {
    const now = performance.now();
    return this.#silence.isOver(now, rate.measure(now, this.#noted, this.#openWriters));
  }

  /** Returns the duration of the check in milliseconds. The SQL in `before` runs before the check in the same round trip. */
  async #checkLog(before: string): Promise<number> {
    this.#checkedAt = performance.now();
    const after = this.#tracker.settled;
    const isForced = this.#isAsked || this.#checkedAt - this.#announcedAt >= HEARTBEAT_MS - 100;
    this.#isAsked = false; // A process that requests an announcement during this check may miss it.
    const [needsHolders, hadGap] = [!this.#isPolling, this.#hasGap];
    const found = await checkLog(this.#client, this.#log, { before, after, isForced, needsHolders, hadGap });
    this.#noted = found.noted;
    this.#openWriters = found.openWriters;
    this.#rings.noteCheck(found.queue, found.openWriters);
    this.#publish(found.payloads);
    const published = this.#tracker.settled;
    if (found.holders) this.#advance(this.#tracker.observe({ noted: found.noted, holders: found.holders }));
    // Not beyond the last number that this check found. Both announcements of a check must have the same last number: a
    // subscriber takes a smaller one than it has seen for a log that went back (see horizon.ts).
    const settled = Math.min(this.#tracker.settled, this.#noted);
    if (settled > published)
      this.#publish(await announce(this.#client, this.#log, { after: published, settled, last: this.#noted }));
    this.#hasGap = this.#noted > this.#tracker.settled;
    this.#isQuiet = this.#tracker.isQuiet;
    return performance.now() - this.#checkedAt;
  }

  #publish(payloads: readonly string[]): void {
    if (payloads.length === 0) return;
    this.#announcedAt = performance.now();
    this.#announcements++;
    for (const payload of payloads) this.#options.onAnnouncement(payload);
    this.#advance(readAnnouncement(payloads.at(-1) as string).settled);
  }

  /** Also while the relay polls: under a high rate for long, changes would go to the default partition. */
  async #maintainIfDue(): Promise<void> {
    if (performance.now() < this.#maintainAt) return;
    const { retentionMs, partitionSize } = this.#options;
    await noteTimeline(this.#client, this.#tracker.settled);
    await this.#client.query("select intendant.keep_change_log($1 * interval '1 millisecond', $2)", [
      retentionMs,
      partitionSize,
    ]);
    this.#maintainAt = performance.now() + MAINTAIN_EVERY_MS;
  }
}
