import { type Announcement, readAnnouncement } from './announcement.ts';
import type { Horizon } from './horizon.ts';
import type { Tail } from './tail.ts';

/** One way by which announcements come: the relay of this process, or the listener. */
export function hearing(horizon: Horizon, tail: Tail): (payload: string) => void {
  const hear = horizon.hearing();
  return (payload) => {
    const announcement = readAnnouncement(payload);
    if (!isWhole(announcement)) return;
    const isNew = announcement.settled > horizon.settled;
    // Followers wake in a later microtask, and then find the changes in the tail.
    hear(announcement);
    if (isNew) tail.offer(announcement);
  };
}

const isWhole = ({ after, settled, last }: Announcement): boolean =>
  [after, settled, last].every((number) => Number.isSafeInteger(number));
