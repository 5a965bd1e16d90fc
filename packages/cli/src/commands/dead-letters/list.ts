import type { DeadLetter } from '@intendant/subscription';
import { Command } from 'commander';
import { ago } from '../../output/relative-time.ts';
import { readCount } from '../../resource/duration.ts';
import type { Cli } from '../../run/cli.ts';
import { openFeed, readLetters } from './letters.ts';

const EXAMPLES = `
Examples:
  intendant dead-letters                 of all durable names
  intendant dead-letters list billing`;

export const listDeadLettersCommand = (cli: Cli): Command =>
  new Command('list')
    .description('list the changes that were put aside as dead letters')
    .argument('[name]', 'a durable name')
    .option('--limit <count>', 'at most this many', readCount, 100)
    .addHelpText('after', EXAMPLES)
    .action(async (name: string | undefined, { limit }: { readonly limit: number }, command: Command) => {
      const printer = cli.printer(command);
      await using workspace = await cli.workspace(command);
      const found = await readLetters(await openFeed(workspace), name, limit + 1);
      const letters = found.slice(0, limit);
      if (letters.length === 0) cli.nothingFound();
      printer.result(letters, () => {
        if (letters.length === 0) return printer.note('intendant: there are no dead letters');
        printer.table(
          [
            { title: 'name', value: ({ name: owner }) => owner, minWidth: 6, isName: true },
            { title: 'position', value: ({ change }) => change.position },
            { title: 'change', value: ({ change }) => `${change.operation} ${change.table}`, minWidth: 8 },
            { title: 'tries', value: ({ attempts }) => attempts, align: 'right' },
            { title: 'failed', value: ({ failedAt }) => ago(failedAt), align: 'right' },
            { title: 'due', value: ({ isDue }) => (isDue ? 'yes' : '') },
            { title: 'error', value: ({ error }) => error, minWidth: 12 },
          ] satisfies Parameters<typeof printer.table<DeadLetter>>[0],
          letters,
        );
      });
      if (letters.length < found.length) printer.note(`More match; raise --limit (${limit}) to see them.`);
    });
