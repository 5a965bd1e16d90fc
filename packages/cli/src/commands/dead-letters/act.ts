import { Command } from 'commander';
import { confirm } from '../../output/confirm.ts';
import { counted } from '../../output/counted.ts';
import type { Cli } from '../../run/cli.ts';
import { countLetters, openFeed, selectedPositions } from './letters.ts';

interface ActFlags {
  readonly all?: boolean;
  readonly yes?: boolean;
}

const takingPositions = (name: string, description: string): Command =>
  new Command(name)
    .description(description)
    .argument('<name>', 'a durable name')
    .argument('[positions...]')
    .option('--all', 'all dead letters of the name');

export const replayDeadLettersCommand = (cli: Cli): Command =>
  takingPositions('replay', 'deliver changes again to the subscribers of the name')
    .addHelpText(
      'after',
      '\nExamples:\n  intendant dead-letters replay billing 0a1b2c3d-0000000000000042\n  intendant dead-letters replay billing --all',
    )
    .action(async (name: string, texts: string[], flags: ActFlags, command: Command) => {
      const printer = cli.printer(command);
      const positions = selectedPositions(texts, flags.all === true);
      await using workspace = await cli.workspace(command);
      const subscriptions = await openFeed(workspace);
      const replayed = await subscriptions.replayDeadLetters(name, positions && { positions });
      if (replayed === 0) cli.nothingFound();
      printer.result({ replayed }, () => printer.line(`${replayed} due again`));
    });

export const dropDeadLettersCommand = (cli: Cli): Command =>
  takingPositions('drop', 'delete dead letters permanently')
    .option('-y, --yes', 'do not ask')
    .addHelpText('after', '\nExample:\n  intendant dead-letters drop billing --all --yes')
    .action(async (name: string, texts: string[], flags: ActFlags, command: Command) => {
      const printer = cli.printer(command);
      const positions = selectedPositions(texts, flags.all === true);
      await using workspace = await cli.workspace(command);
      const subscriptions = await openFeed(workspace);
      const count = positions?.length ?? (await countLetters(subscriptions, name));
      if (
        count > 0 &&
        !(await confirm(cli.io, `Delete ${counted(count, 'dead letter')} of ${name} permanently?`, flags.yes === true))
      )
        return printer.note('Nothing was dropped.');
      const dropped = count === 0 ? 0 : await subscriptions.discardDeadLetters(name, positions && { positions });
      if (dropped === 0) cli.nothingFound();
      printer.result({ dropped }, () => printer.line(`${dropped} dropped`));
    });
