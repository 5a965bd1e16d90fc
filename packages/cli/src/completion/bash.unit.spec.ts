import { execFileSync } from 'node:child_process';
import { Command, Option } from 'commander';
import { describe, expect, test } from 'vitest';
import { bashCompletion } from './bash.ts';
import { describeCommands } from './command-tree.ts';

const program = new Command('intendant')
  .addCommand(new Command('list').addOption(new Option('--order <name>').choices(['oldest', 'newest'])))
  .addCommand(new Command('changes').addOption(new Option('--order <name>').choices(['first', 'last'])))
  .addCommand(new Command('status').option('--order <name>'));

const completed = (...words: string[]): string[] => {
  const script = `${bashCompletion(describeCommands(program))}
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _intendant; printf '%s\\n' "\${COMPREPLY[@]}"`;
  return execFileSync('bash', ['-c', script, 'bash', ...words], { encoding: 'utf8' })
    .trim()
    .split('\n');
};

describe('completion in bash', () => {
  test('offers the choices that a flag has in the command before the cursor', () => {
    expect(completed('intendant', 'list', '--order', '')).toEqual(['oldest', 'newest']);
    expect(completed('intendant', 'changes', '--order', 'l')).toEqual(['last']);
  });

  test('offers no choices of another command for a flag of the same name', () => {
    expect(completed('intendant', 'status', '--order', '')).toEqual(['--order', '--help']);
  });
});
