import { type CommandWords, placeOf } from './command-tree.ts';
import { placeBranches, quote } from './posix-shell.ts';

const wordsOf = ({ words, flags }: CommandWords): string => [...words, ...flags].map(({ word }) => word).join(' ');

/** The branches that complete the values of a command's flags. For any value, bash completes file names. */
const branchesOfFlags = ({ path, flags }: CommandWords): string[] =>
  flags.flatMap(({ word, values }) =>
    values === undefined
      ? []
      : [
          `    ${quote(`${placeOf(path)}:${word}`)}) COMPREPLY=($(compgen -W ${quote(values.join(' '))} -- "$current")); return ;;`,
        ],
  );

/** A script for bash. It completes the words of the longest command before the cursor, and file names otherwise. */
export function bashCompletion(commands: readonly CommandWords[]): string {
  return `# bash completion for intendant
_intendant() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}" place="" word choices
  if [ "$current" = "=" ]; then current=""; fi
  if [ "$previous" = "=" ]; then previous="\${COMP_WORDS[COMP_CWORD-2]}"; fi
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$place $word" in
${placeBranches(commands)}
    esac
  done
  case "$place:$previous" in
${commands.flatMap(branchesOfFlags).join('\n')}
  esac
  case "$place" in
${commands.map((command) => `    ${quote(placeOf(command.path))}) choices=${quote(wordsOf(command))} ;;`).join('\n')}
  esac
  COMPREPLY=($(compgen -W "$choices" -- "$current"))
}
complete -o default -F _intendant intendant
`;
}
