import type { Command } from 'commander';
import { type GlobalFlags, readSettings } from '../config/settings.ts';
import { Workspace } from '../database/workspace.ts';
import { Printer } from '../output/printer.ts';
import { EXIT, type ExitCode } from './exit-code.ts';
import type { Io } from './io.ts';

/** What the actions of commands get: input and output, the settings, and a place to leave the exit code. */
export class Cli {
  readonly io: Io;
  exitCode: ExitCode = EXIT.done;
  /** The command stops by itself when it is interrupted; a signal is its usual end and exit code 0. */
  stopsOnSignal = false;

  constructor(io: Io) {
    this.io = io;
  }

  printer(command: Command): Printer {
    return new Printer(this.io, command.optsWithGlobals<GlobalFlags>().json === true);
  }

  /** Opens nothing yet: the workspace connects when it is first used. */
  async workspace(command: Command): Promise<Workspace> {
    return new Workspace(await readSettings(this.io, command.optsWithGlobals<GlobalFlags>()));
  }

  nothingFound(): void {
    this.exitCode = EXIT.nothingFound;
  }
}
