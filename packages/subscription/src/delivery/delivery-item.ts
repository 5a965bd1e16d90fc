import type { NumberedChange } from '../log/log-entry.ts';
import type { Share } from './share.ts';

/** A change that waits for its handler. */
export interface DeliveryItem {
  readonly numbered: NumberedChange;
  readonly share: Share;
  /** True for a dead letter that is replayed. */
  readonly isDeadLetter: boolean;
}
