import type { Command, Option } from 'commander';

/** A word that can follow, and its description. */
export interface Choice {
  readonly word: string;
  readonly description: string;
}

/** What can follow a command: its subcommands and flags. */
export interface CommandWords {
  /** Names from the program's first word on, e.g. `['points', 'add']`; empty for the program. */
  readonly path: readonly string[];
  readonly subcommands: readonly Choice[];
  readonly flags: readonly Choice[];
  /** The allowed values of flags and arguments. */
  readonly values: Readonly<Record<string, readonly string[]>>;
}

/** All commands of a program, each with the words that can follow it. */
export function describeCommands(program: Command): CommandWords[] {
  return describe(program, [], program.options);
}

function describe(command: Command, path: readonly string[], globals: readonly Option[]): CommandWords[] {
  const options = [...new Set([...command.options, ...globals])];
  const own: CommandWords = {
    path,
    subcommands: command.commands.map((one) => ({ word: one.name(), description: one.description() })),
    flags: [
      ...options.map((option) => ({ word: option.long ?? option.flags, description: option.description })),
      { word: '--help', description: 'display help for command' },
    ],
    values: Object.fromEntries(
      options.flatMap(({ long, argChoices }) => (long && argChoices ? [[long, argChoices]] : [])),
    ),
  };
  const nested = command.commands.flatMap((one) => describe(one, [...path, one.name()], globals));
  return [own, ...nested];
}
