import { Command } from 'commander';
import { counted } from '../../output/counted.ts';
import { toJson } from '../../output/json.ts';
import { printable } from '../../output/printable.ts';
import { shellQuoted } from '../../output/shell-quoted.ts';
import type { Cli } from '../../run/cli.ts';
import { CommandError } from '../../run/command-error.ts';
import { EXIT } from '../../run/exit-code.ts';
import { openFeed } from './letters.ts';

export const showDeadLetterCommand = (cli: Cli): Command =>
  new Command('show')
    .description('show one dead letter with its whole error')
    .argument('<name>', 'a durable name')
    .argument('<position>', 'the position of the change, as "dead-letters list" shows it')
    .addHelpText('after', '\nExample:\n  intendant dead-letters show billing 0a1b2c3d-0000000000000042')
    .action(async (name: string, position: string, _flags: object, command: Command) => {
      const printer = cli.printer(command);
      await using workspace = await cli.workspace(command);
      const letters = await (await openFeed(workspace)).deadLetters(name, { positions: [position] });
      const [letter] = letters;
      if (letter === undefined)
        throw new CommandError(
          `${name} has no dead letter at ${position}; "intendant dead-letters list ${shellQuoted(name)}" shows its dead letters`,
          EXIT.nothingFound,
        );
      printer.result(letter, () => {
        const { change, error, attempts, failedAt } = letter;
        printer.paragraph(
          printable(
            `${change.operation} of ${change.table} ${toJson(change.key)}, revision ${change.revision ?? 'none'}, of ${change.orgId ?? 'no org'}`,
          ),
        );
        printer.paragraph(
          `occurred ${change.occurredAt.toISOString()}, failed ${counted(attempts, 'time')}, last ${failedAt.toISOString()}`,
        );
        if (change.record !== undefined) printer.line(printable(toJson(change.record)));
        printer.paragraph(`error: ${printable(error)}`, '  ');
      });
    });
