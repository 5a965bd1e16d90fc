import type { NumberedChange } from '../log/log-entry.ts';
import type { Share } from './share.ts';

/** A change on its way to the handler. */
export interface DeliveryItem {
  readonly numbered: NumberedChange;
  readonly share: Share;
  /** It was put aside once, and is to be tried again. */
  readonly isDeadLetter: boolean;
}
