import type { AnyTable } from '@intendant/core';
import type { Change } from '@intendant/subscription';
import { Command, Option } from 'commander';
import { printable } from '../output/printable.ts';
import type { Printer } from '../output/printer.ts';
import { readCount } from '../resource/duration.ts';
import { storeTable } from '../resource/find-table.ts';
import { keyText } from '../resource/key.ts';
import type { Cli } from '../run/cli.ts';

interface ChangesFlags {
  readonly from: string;
  readonly limit?: number;
  readonly operation?: 'insert' | 'update' | 'delete';
}

const EXAMPLES = `
Examples:
  intendant changes vm                             follow what changes from now on
  intendant changes vm --from beginning --limit 50
  intendant changes vm --json | jq .key            one JSON document a line`;

export const changesCommand = (cli: Cli): Command =>
  new Command('changes')
    .description('follow the committed changes of a table')
    .argument('<table>')
    .option('--from <place>', '"now", "beginning", or a position that a change carried', 'now')
    .option('--limit <count>', 'end after this many changes (default: run until Ctrl-C)', readCount)
    .addOption(new Option('--operation <name>', 'only these changes').choices(['insert', 'update', 'delete']))
    .addHelpText('after', EXAMPLES)
    .action(async (tableName: string, { from, limit, operation }: ChangesFlags, command: Command) => {
      const printer = cli.printer(command);
      await using workspace = await cli.workspace(command);
      const table = await storeTable(workspace, tableName);
      const subscriptions = await workspace.subscriptions();
      await workspace.realization(); // Registers the tables.
      const isNarrowed = workspace.settings.org !== undefined || workspace.settings.context !== undefined;
      const changes = subscriptions.changes(table.name, {
        from,
        signal: cli.io.signal,
        onReset: () =>
          printer.note(
            'The log no longer contains that position. The output continues with the oldest change in the log.',
          ),
        ...(isNarrowed && { as: workspace.context }),
        ...(operation !== undefined && { operations: [operation] }),
      });
      let count = 0;
      for await (const change of changes) {
        printChange(printer, table, change);
        if (++count === limit) break;
      }
    });

function printChange(printer: Printer, table: AnyTable, change: Change): void {
  if (printer.isJson) {
    printer.jsonLine(change);
    return;
  }
  const { occurredAt, operation, isSoft, key, orgId, revision, position } = change;
  const what = isSoft ? `soft ${operation}` : operation;
  const owner = orgId === null ? '' : ` of ${orgId}`;
  const at = revision === null ? '' : ` at revision ${revision}`;
  const text = `${occurredAt.toISOString()} ${what} ${table.name} ${keyText(table, key)}${owner}${at} ${position}`;
  printer.paragraph(printable(text), '  ');
}
