import { EXIT, type ExitCode } from './exit-code.ts';

/** A failure whose message is meant for the user: what went wrong, and what to do. */
export class CommandError extends Error {
  readonly exitCode: ExitCode;

  constructor(message: string, exitCode: ExitCode = EXIT.failed, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.name = 'CommandError';
    this.exitCode = exitCode;
  }
}

/** The user asked for something that does not exist: exit code 2. */
export const wrongUse = (message: string): CommandError => new CommandError(message, EXIT.wrongUse);
