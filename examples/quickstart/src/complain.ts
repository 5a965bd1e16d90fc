import { IntendantError } from '@intendant/core';
import { DevDatabaseError } from '@intendant/devdb';

/** Tells of an error in the way it deserves, and answers the exit code: a user's mistake is a sentence, a bug its stack. */
export function complain(error: unknown): number {
  console.error(isForTheUser(error) ? error.message : error);
  return 1;
}

/** A problem of the quickstart's own that its user can do something about. */
export class QuickstartError extends Error {
  override readonly name = 'QuickstartError';
}

const isForTheUser = (error: unknown): error is Error =>
  error instanceof QuickstartError || error instanceof DevDatabaseError || error instanceof IntendantError;
