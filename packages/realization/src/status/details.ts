import { describeThrown } from '@intendant/core/internal';

/** Longest text that is stored with a status, in characters. */
export const MAX_DETAILS_LENGTH = 1024;

/** Returns the text of a thrown value, cut between characters and without what Postgres cannot store. Never throws. */
export function errorText(error: unknown): string {
  return Array.from(describeThrown(error, 2 * MAX_DETAILS_LENGTH))
    .slice(0, MAX_DETAILS_LENGTH)
    .join('');
}
