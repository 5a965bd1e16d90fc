import { ConfigurationError } from '@intendant/core';

/**
 * A place in the feed that a client can store: the log's identity and the change's number in it. Positions of one log
 * are compared as strings.
 */
export type Position = string;

const DIGITS = 16;
const FORM = new RegExp(`^([0-9a-f]{8})-(\\d{${DIGITS}})$`);

export const formatPosition = (logId: string, sequence: number): Position =>
  `${logId}-${String(sequence).padStart(DIGITS, '0')}`;

/** The number within the log. Throws ConfigurationError for a position of another log, or a text that is not a position. */
export function readPosition(logId: string, position: unknown): number {
  const match = typeof position === 'string' ? FORM.exec(position) : null;
  if (!match) {
    throw new ConfigurationError(
      `${JSON.stringify(position)} is not a position; pass the position of a change, 'now' or 'beginning'`,
    );
  }
  if (match[1] !== logId) {
    throw new ConfigurationError(
      'the position is from another database; start from now or from the beginning, and list again',
      {
        details: { position },
      },
    );
  }
  return Number(match[2]);
}
