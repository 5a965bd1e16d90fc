import { SLOTS } from '../log/slot.ts';

export interface Dealing {
  /** Slots to take. */
  readonly take: number;
  /** Slots to give back. */
  readonly give: number;
}

/** What one of so many members, who holds so many slots, should do when so many are free. */
export function dealSlots(members: number, held: number, free: number): Dealing {
  const fair = Math.ceil(SLOTS / Math.max(members, 1));
  return { take: Math.max(0, Math.min(fair - held, free)), give: Math.max(0, held - fair) };
}
