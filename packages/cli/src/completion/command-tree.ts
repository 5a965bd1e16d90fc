import type { Command, Option } from 'commander';

/** A word that can follow, and its description. */
export interface Choice {
  readonly word: string;
  readonly description: string;
}

export interface Flag extends Choice {
  /** The values that it can take: an empty list for any value, undefined if it takes none. */
  readonly values: readonly string[] | undefined;
}

/** What can follow a command. */
export interface CommandWords {
  /** Names from the program's first word on, e.g. `['points', 'add']`; empty for the program. */
  readonly path: readonly string[];
  /** Its subcommands, and the allowed values of its arguments. */
  readonly words: readonly Choice[];
  readonly flags: readonly Flag[];
}

/** All commands of a program, each with the words that can follow it. */
export function describeCommands(program: Command): CommandWords[] {
  return describe(program, [], program.options);
}

/** The path as the scripts write it: a space before each name, so that the path of the program is empty. */
export const placeOf = (path: readonly string[]): string => path.map((name) => ` ${name}`).join('');

const HELP: Flag = { word: '--help', description: 'display help for command', values: undefined };

function describe(command: Command, path: readonly string[], globals: readonly Option[]): CommandWords[] {
  const options = [...new Set([...command.options, ...globals])];
  const own: CommandWords = {
    path,
    words: [
      ...command.commands.map((one) => ({ word: one.name(), description: one.description() })),
      ...command.registeredArguments.flatMap(({ argChoices = [], description }) =>
        argChoices.map((word) => ({ word, description })),
      ),
    ],
    flags: [...options.map(asFlag), HELP],
  };
  const nested = command.commands.flatMap((one) => describe(one, [...path, one.name()], globals));
  return [own, ...nested];
}

const asFlag = ({ long, flags, description, argChoices, required, optional }: Option): Flag => ({
  word: long ?? flags,
  description,
  values: required || optional ? (argChoices ?? []) : undefined,
});
