import type { CommandWords } from './command-tree.ts';

const quote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

const words = ({ subcommands, flags }: CommandWords): string =>
  [...subcommands, ...flags].map(({ word }) => word).join(' ');

/** The branches that complete the values of a command's flags. */
const choicesOfFlags = ({ path, values }: CommandWords): string[] =>
  Object.entries(values).map(([flag, choices]) => {
    const place = `${path.map((one) => ` ${one}`).join('')}:${flag}`;
    return `    ${quote(place)}) COMPREPLY=($(compgen -W ${quote(choices.join(' '))} -- "$current")); return ;;`;
  });

/** A script for bash. It completes the words of the longest command before the cursor, and file names otherwise. */
export function bashCompletion(commands: readonly CommandWords[]): string {
  return `# bash completion for intendant
_intendant() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}" path="" word choices
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$path $word" in
${commands
  .filter(({ path }) => path.length > 0)
  .map(
    ({ path }) =>
      `      ${quote(
        `${path
          .slice(0, -1)
          .map((one) => ` ${one}`)
          .join('')} ${path.at(-1)}`,
      )}) path="$path $word" ;;`,
  )
  .join('\n')}
    esac
  done
  case "$path:$previous" in
${commands.flatMap(choicesOfFlags).join('\n')}
  esac
  case "$path" in
${commands.map((command) => `    ${quote(command.path.map((one) => ` ${one}`).join(''))}) choices=${quote(words(command))} ;;`).join('\n')}
  esac
  COMPREPLY=($(compgen -W "$choices" -- "$current"))
}
complete -o default -F _intendant intendant
`;
}
