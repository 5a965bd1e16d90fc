import { type Announcement, readAnnouncement } from './announcement.ts';
import { EarlyNotices } from './early-notices.ts';
import type { Horizon } from './horizon.ts';
import type { Tail } from './tail.ts';

/** One way by which announcements come: the relay of this process, or the listener. */
export interface Hearing {
  /** Of the relay. */
  announced(payload: string): void;
  /** Of a writer, about its own change. */
  noticed(payload: string): void;
}

/**
 * What a process hears. A writer's notice says that one number is committed. If everything before it is settled, it is settled,
 * too: nobody looks, and the change is delivered at once. If not, the notice is kept until that is so.
 */
export class Ears {
  readonly #horizon: Horizon;
  readonly #tail: Tail;
  readonly #early = new EarlyNotices<Announcement>();

  constructor(horizon: Horizon, tail: Tail) {
    this.#horizon = horizon;
    this.#tail = tail;
  }

  /** Each way with its own order; what comes by two ways may overtake each other. */
  open(): Hearing {
    const way = this.#horizon.openWay();
    const read = (payload: string, take: (announcement: Announcement) => void) => {
      const announcement = readAnnouncement(payload);
      if (isWhole(announcement)) take(announcement);
    };
    return {
      announced: (payload) =>
        read(payload, (announcement) => {
          const isNew = announcement.settled > this.#horizon.settled;
          // Followers wake in a later microtask, and then find the changes in the tail.
          way.announced(announcement);
          if (isNew) this.#tail.offer(announcement);
          this.#takeEarly();
        }),
      noticed: (payload) =>
        read(payload, (notice) => {
          way.noticed(notice);
          this.#notice(notice);
        }),
    };
  }

  #notice(notice: Announcement): void {
    if (notice.logId !== this.#horizon.logId || notice.settled <= this.#horizon.settled) return;
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
    return next?.logId === this.#horizon.logId ? next : undefined;
  }
}

const isWhole = ({ after, settled, last }: Announcement): boolean =>
  [after, settled, last].every((number) => Number.isSafeInteger(number));
