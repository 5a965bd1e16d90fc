import { describeThrown } from '@intendant/core/internal';

/** Longest text kept beside a status, in characters. */
export const MAX_DETAILS_LENGTH = 1024;

/** The text of a thrown value, valid for storage and cut between characters. Never throws. */
export function errorText(error: unknown): string {
  return Array.from(describeThrown(error, 2 * MAX_DETAILS_LENGTH))
    .slice(0, MAX_DETAILS_LENGTH)
    .join('');
}
