import type { CommandWords } from './command-tree.ts';

const quote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

const words = ({ subcommands, flags }: CommandWords): string =>
  [...subcommands, ...flags].map(({ word }) => word).join(' ');

/** A script for bash. It completes the words of the longest command before the cursor, and file names otherwise. */
export function bashCompletion(commands: readonly CommandWords[]): string {
  const values = Object.assign({}, ...commands.map((command) => command.values)) as Record<string, readonly string[]>;
  return `# bash completion for intendant
_intendant() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}" path="" word choices
  case "$previous" in
${Object.entries(values)
  .map(
    ([flag, choices]) => `    ${flag}) COMPREPLY=($(compgen -W ${quote(choices.join(' '))} -- "$current")); return ;;`,
  )
  .join('\n')}
  esac
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
  case "$path" in
${commands.map((command) => `    ${quote(command.path.map((one) => ` ${one}`).join(''))}) choices=${quote(words(command))} ;;`).join('\n')}
  esac
  COMPREPLY=($(compgen -W "$choices" -- "$current"))
}
complete -o default -F _intendant intendant
`;
}
