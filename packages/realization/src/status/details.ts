/** Longest text kept beside a status, in characters. */
export const MAX_DETAILS_LENGTH = 1024;

/**
 * What an error has to say, fit to be stored: whatever was thrown, without what Postgres cannot hold, and cut so that a
 * message of megabytes costs nothing. Never throws.
 */
export function errorText(error: unknown): string {
  const text = Array.from(
    describe(error)
      .slice(0, 2 * MAX_DETAILS_LENGTH)
      .toWellFormed()
      .replaceAll('\0', '\uFFFD'),
  );
  return text.slice(0, MAX_DETAILS_LENGTH).join('');
}

function describe(error: unknown): string {
  try {
    if (error instanceof Error) return error.message || error.name;
    if (typeof error === 'string') return error;
    return JSON.stringify(error) ?? String(error);
  } catch {
    return 'an error that cannot be described';
  }
}
