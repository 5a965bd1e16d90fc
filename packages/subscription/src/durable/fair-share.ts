import { SLOTS } from '../log/slot.ts';

export interface SlotBalance {
  /** Number of slots to claim. */
  readonly take: number;
  /** Number of slots to release. */
  readonly give: number;
}

/** Returns how many slots a member should claim or release, given the number of members, its own slots and the free slots. */
export function balanceSlots(members: number, held: number, free: number): SlotBalance {
  const fair = Math.ceil(SLOTS / Math.max(members, 1));
  return { take: Math.max(0, Math.min(fair - held, free)), give: Math.max(0, held - fair) };
}
