import { type Choice, type CommandWords, placeOf } from './command-tree.ts';
import { placeBranches, quote } from './posix-shell.ts';

const choice = ({ word, description }: Choice): string => quote(`${word.replaceAll(':', '\\:')}:${description}`);

/** The branches that complete the values of a command's flags. */
const branchesOfFlags = ({ path, flags }: CommandWords): string[] =>
  flags.flatMap(({ word, values }) => {
    if (values === undefined) return [];
    const complete = values.length > 0 ? `compadd -- ${values.map(quote).join(' ')}` : '_files';
    return [`    ${quote(`${placeOf(path)}:${word}`)}) ${complete}; return ;;`];
  });

/** A script for zsh, with descriptions. */
export function zshCompletion(commands: readonly CommandWords[]): string {
  return `#compdef intendant
_intendant() {
  local place="" word
  for word in "\${(@)words[2,CURRENT-1]}"; do
    case "$place $word" in
${placeBranches(commands)}
    esac
  done
  case "$place:\${words[CURRENT-1]}" in
${commands.flatMap(branchesOfFlags).join('\n')}
  esac
  local -a choices
  case "$place" in
${commands
  .map(
    ({ path, words, flags }) =>
      `    ${quote(placeOf(path))}) choices=(${[...words, ...flags].map(choice).join(' ')}) ;;`,
  )
  .join('\n')}
  esac
  _describe 'intendant' choices || _files
}
if [ "$funcstack[1]" = "_intendant" ]; then _intendant "$@"; else compdef _intendant intendant; fi
`;
}
