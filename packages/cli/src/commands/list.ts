import type { AnyTable } from '@intendant/core';
import type { ListedResource } from '@intendant/realization';
import { Command, Option } from 'commander';
import type { Printer } from '../output/printer.ts';
import { ago } from '../output/relative-time.ts';
import { paintStatus } from '../output/status-style.ts';
import { readCount } from '../resource/duration.ts';
import { realizedTable } from '../resource/find-table.ts';
import { keyText, ownerOf } from '../resource/key.ts';
import { listAll } from '../resource/list-all.ts';
import { filterOf, type SelectionFlags, withSelection } from '../resource/selection.ts';
import type { Cli } from '../run/cli.ts';

interface ListFlags extends SelectionFlags {
  readonly sort: 'oldest' | 'newest' | 'key';
  readonly limit: number;
}

const EXAMPLES = `
Examples:
  intendant list vm --status ERROR                   what failed, longest first
  intendant list vm --status PENDING --older 10m     what waits for more than ten minutes
  intendant list vm --point E1 --where region=eu --json`;

export const listCommand = (cli: Cli): Command =>
  withSelection(new Command('list').description('list resources by status, point, age and fields').argument('<table>'))
    .addOption(
      new Option('--sort <order>', 'by the time in their status, or by key')
        .choices(['oldest', 'newest', 'key'])
        .default('oldest'),
    )
    .option('--limit <count>', 'at most this many', readCount, 100)
    .addHelpText('after', EXAMPLES)
    .action(async (tableName: string, flags: ListFlags, command: Command) => {
      const printer = cli.printer(command);
      await using workspace = await cli.workspace(command);
      const table = await realizedTable(workspace, tableName);
      const order = flags.sort === 'key' ? {} : { orderBy: flags.sort };
      const found = await listAll(
        await workspace.session(),
        table,
        { ...filterOf(table, flags), ...order },
        flags.limit + 1,
      );
      const shown = found.slice(0, flags.limit);
      if (shown.length === 0) cli.nothingFound();
      printer.result(shown, () => printList(printer, table, shown));
      if (shown.length < found.length) printer.note(`More match; raise --limit (${flags.limit}) to see them.`);
    });

function printList(printer: Printer, table: AnyTable, found: readonly ListedResource<AnyTable>[]): void {
  if (found.length === 0) {
    printer.note('intendant: nothing matches');
    return;
  }
  printer.table(
    [
      { title: 'org', value: ({ key }) => ownerOf(key).orgId, minWidth: 4, isName: true },
      { title: 'instance', value: ({ key }) => ownerOf(key).instanceId, minWidth: 4, isName: true },
      { title: table.key.join(','), value: ({ key }) => keyText(table, key), minWidth: 8, isName: true },
      {
        title: 'status',
        value: ({ overall }) => overall.status,
        paint: (text, { overall }) => paintStatus(printer, overall.status, text),
      },
      { title: 'since', value: ({ since }) => ago(since), align: 'right' },
      { title: 'rev', value: ({ overall }) => overall.revision, align: 'right' },
      { title: 'points', value: pointsText, align: 'right' },
      { title: 'details', value: ({ overall }) => overall.additionalDetails, minWidth: 16 },
    ] satisfies Parameters<typeof printer.table<ListedResource<AnyTable>>>[0],
    found,
  );
}

/** How many of the points have realized the intent, and how many are stale. */
function pointsText({ enforcement }: ListedResource<AnyTable>): string {
  const stale = [...enforcement.values()].filter(({ isPointStale }) => isPointStale).length;
  const statuses = [...enforcement.values()].map(({ status }) => status);
  const done = statuses.filter((status) => status === 'REALIZED' || status === 'DELETION_REALIZED').length;
  return `${done}/${statuses.length}${stale > 0 ? ` (${stale} stale)` : ''}`;
}
