import { InvalidRecordError } from '@intendant/core';

const MAX_LENGTH = 500;

/** Throws InvalidRecordError for a value that cannot be the id of an enforcement point. */
export function checkEnforcementPoint(id: unknown): string {
  const isFit =
    typeof id === 'string' && id !== '' && id.length <= MAX_LENGTH && !id.includes('\0') && id.isWellFormed();
  if (isFit) return id;
  throw new InvalidRecordError(
    `the id of an enforcement point must be a string of 1 to ${MAX_LENGTH} characters; ${describe(id)}`,
  );
}

/** Returns the points without duplicates. Throws InvalidRecordError for a value that is not a list of ids. */
export function checkEnforcementPoints(ids: readonly string[]): readonly string[] {
  if (!Array.isArray(ids)) throw new InvalidRecordError('enforcementPoints must be a list of ids');
  return [...new Set(ids.map(checkEnforcementPoint))];
}

const describe = (id: unknown): string => {
  if (typeof id !== 'string') return `it is ${id === undefined || id === null ? String(id) : `of type ${typeof id}`}`;
  return id === '' || id.length > MAX_LENGTH
    ? `it has ${id.length} characters`
    : 'it contains a null character or invalid Unicode';
};
