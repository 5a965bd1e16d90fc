import type { Status } from '@intendant/realization';
import type { Printer } from './printer.ts';

const STYLES = {
  ERROR: 'red',
  PENDING: 'yellow',
  IN_PROGRESS: 'cyan',
  REALIZED: 'green',
  DELETION_PENDING: 'yellow',
  DELETION_IN_PROGRESS: 'cyan',
  DELETION_REALIZED: 'gray',
  UNKNOWN: 'gray',
} as const satisfies Record<Status, string>;

/** The text in the colour of the status, if the output has colours. */
export const paintStatus = (printer: Printer, status: Status, text: string): string =>
  printer.paint(STYLES[status], text);
