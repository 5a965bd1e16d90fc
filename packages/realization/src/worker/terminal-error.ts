/** A handler throws this error for a permanent failure: ERROR is recorded, and there is no retry until the next intent. */
export class TerminalError extends Error {
  override readonly name = 'TerminalError';
}
