import { Argument, Command } from 'commander';
import { bashCompletion } from '../completion/bash.ts';
import { describeCommands } from '../completion/command-tree.ts';
import { fishCompletion } from '../completion/fish.ts';
import { zshCompletion } from '../completion/zsh.ts';
import type { Cli } from '../run/cli.ts';

const SHELLS = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion } as const;

const EXAMPLES = `
Examples:
  echo 'source <(intendant completion bash)' >> ~/.bashrc
  intendant completion zsh > "\${fpath[1]}/_intendant"
  intendant completion fish > ~/.config/fish/completions/intendant.fish`;

export const completionCommand = (cli: Cli): Command =>
  new Command('completion')
    .description('print a script that completes commands and flags in a shell')
    .addArgument(new Argument('<shell>').choices(Object.keys(SHELLS)))
    .addHelpText('after', EXAMPLES)
    .action((shell: keyof typeof SHELLS, _flags: object, command: Command) => {
      cli.io.stdout.write(SHELLS[shell](describeCommands(command.parent as Command)));
    });
