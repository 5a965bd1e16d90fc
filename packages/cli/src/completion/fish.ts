import { type Choice, type CommandWords, type Flag, placeOf } from './command-tree.ts';

const quote = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;

/** A script for fish, with descriptions. */
export function fishCompletion(commands: readonly CommandWords[]): string {
  const places = commands.filter(({ path }) => path.length > 0).map(({ path }) => quote(placeOf(path)));
  const lines = commands.flatMap(({ path, words, flags }) => {
    const start = `complete -c intendant -n ${quote(`__intendant_is_at "${placeOf(path)}"`)}`;
    return [...words.map((word) => `${start} ${wordOf(word)}`), ...flags.map((flag) => `${start} ${flagOf(flag)}`)];
  });
  return `# fish completion for intendant
function __intendant_is_at
  set -l place ""
  for word in (commandline -opc)[2..-1]
    switch "$place $word"
      case ${places.join(' ')}
        set place "$place $word"
    end
  end
  test "$place" = "$argv[1]"
end
${lines.join('\n')}
`;
}

const wordOf = ({ word, description }: Choice): string => `-f -a ${word} -d ${quote(description)}`;

function flagOf({ word, description, values }: Flag): string {
  const flag = `-l ${word.replace(/^--/, '')} -d ${quote(description)}`;
  if (values === undefined) return flag;
  return values.length > 0 ? `${flag} -x -a ${quote(values.join(' '))}` : `${flag} -r`;
}
