import type { NumberedChange } from '../log/log-entry.ts';
import type { Share } from './share.ts';

/** A change on its way to the handler. */
export interface DeliveryItem {
  readonly numbered: NumberedChange;
  readonly share: Share;
  /** True for a dead letter that is replayed. */
  readonly isDeadLetter: boolean;
}
