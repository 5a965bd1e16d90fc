import { execFileSync } from 'node:child_process';
import { Argument, Command, Option } from 'commander';
import { describe, expect, test } from 'vitest';
import { bashCompletion } from './bash.ts';
import { describeCommands } from './command-tree.ts';
import { fishCompletion } from './fish.ts';
import { zshCompletion } from './zsh.ts';

const ordered = (name: string, ...choices: string[]) =>
  new Command(name).addOption(new Option('--order <name>').choices(choices));

const program = new Command('intendant')
  .addCommand(ordered('list', 'oldest', 'newest'))
  .addCommand(ordered('changes', 'first', 'last'))
  .addCommand(new Command('status').option('--order <name>').option('--all'))
  .addCommand(new Command('points').addCommand(new Command('list').option('--stale')))
  .addCommand(new Command('completion').addArgument(new Argument('<shell>').choices(['bash', 'zsh'])));

const commands = describeCommands(program);

const run = (shell: string, script: string, ...words: string[]): string[] =>
  execFileSync(shell, ['-c', script, shell, ...words], { encoding: 'utf8' })
    .trim()
    .split('\n');

const completedByBash = (...words: string[]): string[] =>
  run(
    'bash',
    `${bashCompletion(commands)}
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _intendant; printf '%s\\n' "\${COMPREPLY[@]}"`,
    ...words,
  );

describe('completion in bash', () => {
  test('offers the choices that a flag has in the command before the cursor', () => {
    expect(completedByBash('intendant', 'list', '--order', '')).toEqual(['oldest', 'newest']);
    expect(completedByBash('intendant', 'list', '--order', '=', 'n')).toEqual(['newest']);
    expect(completedByBash('intendant', 'changes', '--order', 'l')).toEqual(['last']);
  });

  test('offers neither choices of another command nor flags where a flag takes any value', () => {
    expect(completedByBash('intendant', 'status', '--order', '')).toEqual(['']);
  });

  test('offers subcommands, and the values of arguments', () => {
    expect(completedByBash('intendant', 'points', '')).toEqual(['list', '--help']);
    expect(completedByBash('intendant', 'points', 'list', '')).toEqual(['--stale', '--help']);
    expect(completedByBash('intendant', 'completion', '')).toEqual(['bash', 'zsh', '--help']);
  });
});

const isInstalled = (shell: string): boolean => {
  try {
    execFileSync(shell, ['-c', 'true']);
    return true;
  } catch {
    return false;
  }
};

/** What zsh would add: `_describe` and `_files` belong to its completion system, which needs a terminal. */
const completedByZsh = (...words: string[]): string[] =>
  run(
    'zsh',
    `compdef() { }; compadd() { shift; print -l -- "$@"; }; _files() { echo files; }
_describe() { print -l -- "\${choices[@]%%:*}"; }
${zshCompletion(commands)}
words=("$@"); CURRENT=$#; _intendant`,
    ...words,
  );

describe.skipIf(!isInstalled('zsh'))('completion in zsh', () => {
  test('offers subcommands, the flags of a command, and the choices of a flag', () => {
    expect(completedByZsh('intendant', 'points', '')).toEqual(['list', '--help']);
    expect(completedByZsh('intendant', 'points', 'list', '')).toEqual(['--stale', '--help']);
    expect(completedByZsh('intendant', 'list', '--order', '')).toEqual(['oldest', 'newest']);
    expect(completedByZsh('intendant', 'status', '--order', '')).toEqual(['files']);
  });
});

const completedByFish = (line: string): string[] =>
  run('fish', `${fishCompletion(commands)}\ncomplete -C ${JSON.stringify(line)}`).map(
    (one) => one.split('\t')[0] ?? '',
  );

describe.skipIf(!isInstalled('fish'))('completion in fish', () => {
  test('offers subcommands, the flags of a command, and the choices of a flag', () => {
    expect(completedByFish('intendant points li')).toEqual(['list']);
    expect(completedByFish('intendant points list --')).toEqual(['--help', '--stale']);
    expect(completedByFish('intendant list --order ').toSorted()).toEqual(['newest', 'oldest']);
    expect(completedByFish('intendant list --order=n')).toEqual(['--order=newest']);
  });
});
