/** Thrown by a handler for what retrying won't mend: ERROR is recorded, and nothing is tried again until the next intent. */
export class TerminalError extends Error {
  override readonly name = 'TerminalError';
}
