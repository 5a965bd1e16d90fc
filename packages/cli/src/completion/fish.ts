import type { CommandWords } from './command-tree.ts';

const quote = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;

/** A script for fish, with descriptions. */
export function fishCompletion(commands: readonly CommandWords[]): string {
  const lines = commands.flatMap((command) => {
    const condition = quote(conditionOf(command, commands));
    return [
      ...command.subcommands.map(
        ({ word, description }) => `complete -c intendant -n ${condition} -f -a ${word} -d ${quote(description)}`,
      ),
      ...command.flags.map(
        ({ word, description }) =>
          `complete -c intendant -n ${condition} -l ${word.replace(/^--/, '')} -d ${quote(description)}`,
      ),
    ];
  });
  return `# fish completion for intendant\n${lines.join('\n')}\n`;
}

/** True in fish when the words before the cursor name this command, and none of its subcommands. */
function conditionOf({ path, subcommands }: CommandWords, commands: readonly CommandWords[]): string {
  const seen = path.map((word) => `__fish_seen_subcommand_from ${word}`);
  const deeper = subcommands.map(({ word }) => word).join(' ');
  const none = deeper === '' ? [] : [`not __fish_seen_subcommand_from ${deeper}`];
  const rest = path.length === 0 && commands.length === 1 ? ['true'] : [];
  return [...seen, ...none, ...rest].join('; and ') || 'true';
}
