import * as core from '@intendant/core';
import { IntendantError } from '@intendant/core';
import type { MarkResult } from '../status/marks.ts';
import type { Status } from '../status/status.ts';

/** The stored result of one part. */
export type Outcome =
  | { readonly verdict: MarkResult }
  /** Rows affected. */
  | { readonly count: number }
  /** A row of the resource's table, or null if there was none. For an intent, also the overall status after it. */
  | { readonly row: readonly (string | null)[] | null; readonly status?: Status }
  | { readonly error: StoredError };

interface StoredError {
  readonly name: string;
  readonly message: string;
  readonly details: Readonly<Record<string, unknown>>;
}

export const storedError = (error: unknown): StoredError => {
  if (error instanceof IntendantError) return { name: error.name, message: error.message, details: error.details };
  return { name: 'DatabaseError', message: error instanceof Error ? error.message : String(error), details: {} };
};

type ErrorClass = new (message: string, options: { details: Readonly<Record<string, unknown>> }) => Error;

/** The error as it was when it was stored, without its cause. */
export function revivedError({ name, message, details }: StoredError): Error {
  const found = (core as unknown as Record<string, ErrorClass | undefined>)[name];
  const Class = found?.prototype instanceof IntendantError ? found : core.DatabaseError;
  return new Class(message, { details });
}
