import { IntendantError } from '@intendant/core';
import { DevDatabaseError } from '@intendant/devdb';
import { QuickstartError } from './quickstart-error.ts';

/** Prints an error and returns the exit code: for a user's mistake one sentence, for a bug the stack. */
export function complain(error: unknown): number {
  console.error(isForTheUser(error) ? error.message : error);
  return 1;
}

const isForTheUser = (error: unknown): error is Error =>
  error instanceof QuickstartError || error instanceof DevDatabaseError || error instanceof IntendantError;
