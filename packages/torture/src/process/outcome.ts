import { IntendantError } from '@intendant/core';
import type { Outcome } from '../history/history-event.ts';

/** Errors after which the operation may have been executed nevertheless. */
const UNKNOWN: ReadonlySet<string> = new Set(['ConnectionError', 'OperationCancelledError']);

/** What an error means for the operation: certainly not executed, or unknown. */
export function outcomeOf(error: unknown): Exclude<Outcome, 'ok'> {
  const isOurs = error instanceof IntendantError;
  return !isOurs || UNKNOWN.has(error.name) || error.name === 'DatabaseError' ? 'unknown' : 'failed';
}

export const nameOf = (error: unknown): string => (error instanceof Error ? error.name : typeof error);

/** All texts of an error, with its causes and details, as a log or an HTTP body could show them. */
export function textOf(error: unknown, depth = 0): string {
  if (!(error instanceof Error) || depth > 3) return String(error);
  const details = error instanceof IntendantError ? safeJson(error.details) : '';
  return `${error.name}: ${error.message} ${details} ${error.cause === undefined ? '' : textOf(error.cause, depth + 1)}`;
}

const safeJson = (value: unknown): string =>
  JSON.stringify(value, (_name, part: unknown) => (typeof part === 'bigint' ? String(part) : part)) ?? '';
