import type { Choice, CommandWords } from './command-tree.ts';

const quote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

const choice = ({ word, description }: Choice): string => quote(`${word.replaceAll(':', '\\:')}:${description}`);

/** A script for zsh, with descriptions. */
export function zshCompletion(commands: readonly CommandWords[]): string {
  return `#compdef intendant
_intendant() {
  local path="" word
  for word in "\${(@)words[2,CURRENT-1]}"; do
    case "$path $word" in
${commands
  .filter(({ path }) => path.length > 0)
  .map(({ path }) => `      ${quote(path.map((one) => ` ${one}`).join(''))}) path="$path $word" ;;`)
  .join('\n')}
    esac
  done
  local -a choices
  case "$path" in
${commands
  .map(
    ({ path, subcommands, flags }) =>
      `    ${quote(path.map((one) => ` ${one}`).join(''))}) choices=(${[...subcommands, ...flags].map(choice).join(' ')}) ;;`,
  )
  .join('\n')}
  esac
  _describe 'intendant' choices || _files
}
if [ "$funcstack[1]" = "_intendant" ]; then _intendant "$@"; else compdef _intendant intendant; fi
`;
}
