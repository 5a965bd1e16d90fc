import type { Command } from 'commander';
import { type GlobalFlags, readSettings } from '../config/settings.ts';
import { Workspace } from '../database/workspace.ts';
import { Printer } from '../output/printer.ts';
import { EXIT, type ExitCode } from './exit-code.ts';
import type { Io } from './io.ts';

/** What the action of a command receives: input and output, the settings, and the exit code to set. */
export class Cli {
  readonly io: Io;
  exitCode: ExitCode = EXIT.done;
  /** The command stops by itself when it is interrupted. Then a signal is its normal end, with exit code 0. */
  stopsOnSignal = false;

  constructor(io: Io) {
    this.io = io;
  }

  printer(command: Command): Printer {
    return new Printer(this.io, command.optsWithGlobals<GlobalFlags>().json === true);
  }

  /** Makes the context of a command. The workspace connects at its first use. */
  async workspace(command: Command): Promise<Workspace> {
    return new Workspace(await readSettings(this.io, command.optsWithGlobals<GlobalFlags>()));
  }

  nothingFound(): void {
    this.exitCode = EXIT.nothingFound;
  }
}
