import { InvalidRecordError } from '../error/intendant-error.ts';

/** Checks an id of a context: a string that Postgres can store, or undefined if there is none. Throws InvalidRecordError. */
export function readContextId(noun: 'orgId' | 'instanceId', value: unknown): string | undefined {
  if (value === undefined || value === null || value === '') return undefined;
  if (typeof value !== 'string') throw new InvalidRecordError(`the context's ${noun} must be a string`);
  if (value.includes('\0') || !value.isWellFormed()) {
    throw new InvalidRecordError(`the context's ${noun} contains a character that Postgres cannot store`);
  }
  return value;
}
