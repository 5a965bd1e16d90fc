import { isSameLog } from '../log/timeline.ts';
import { type Announcement, readAnnouncement } from './announcement.ts';
import { EarlyNotices } from './early-notices.ts';
import type { Horizon } from './horizon.ts';
import type { Tail } from './tail.ts';

/** Receives the payloads of one source, in order: of this process's relay, or of the listener. */
export interface AnnouncementSink {
  /** An announcement of the relay. */
  announced(payload: string): void;
  /** A notice of a writer about its own change. */
  noticed(payload: string): void;
}

/**
 * Receives announcements and notices for a process. A writer's notice says that one number is committed. If all numbers
 * before it are settled, it is settled too, and its change is delivered without a check. Otherwise the notice is kept
 * until they are.
 */
export class AnnouncementReceiver {
  readonly #horizon: Horizon;
  readonly #tail: Tail;
  readonly #early = new EarlyNotices<Announcement>();

  constructor(horizon: Horizon, tail: Tail) {
    this.#horizon = horizon;
    this.#tail = tail;
  }

  /** Opens a source of payloads. Payloads of one source arrive in order; those of two sources may overtake each other. */
  openSource(): AnnouncementSink {
    const source = this.#horizon.openSource();
    const read = (payload: string, take: (announcement: Announcement) => void) => {
      const announcement = readAnnouncement(payload);
      if (isWhole(announcement)) take(announcement);
    };
    return {
      announced: (payload) =>
        read(payload, (announcement) => {
          const isNew = announcement.settled > this.#horizon.settled;
          // Followers wake in a later microtask, and then find the changes in the tail.
          source.announced(announcement);
          if (isNew) this.#tail.offer(announcement);
          this.#takeEarly();
        }),
      noticed: (payload) =>
        read(payload, (notice) => {
          source.noticed(notice);
          this.#notice(notice);
        }),
    };
  }

  #notice(notice: Announcement): void {
    if (!isSameLog(notice, this.#horizon) || notice.settled <= this.#horizon.settled) return;
    if (notice.after > this.#horizon.settled) this.#early.keep(notice);
    else {
      this.#take(notice);
      this.#takeEarly();
    }
  }

  #take(notice: Announcement): void {
    this.#horizon.reach(notice.settled);
    this.#tail.offer(notice);
  }

  #takeEarly(): void {
    if (this.#early.size === 0) return;
    this.#early.forget(this.#horizon.settled);
    for (let next = this.#nextEarly(); next; next = this.#nextEarly()) this.#take(next);
  }

  #nextEarly(): Announcement | undefined {
    const next = this.#early.takeAt(this.#horizon.settled);
    return next && isSameLog(next, this.#horizon) ? next : undefined;
  }
}

const isWhole = ({ after, settled, last }: Announcement): boolean =>
  [after, settled, last].every((number) => Number.isSafeInteger(number));
