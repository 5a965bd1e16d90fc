import type { AnyTable } from '@intendant/core';
import { STATUSES, type Status, type StatusCounts, type TableSummary } from '@intendant/realization';
import { Command } from 'commander';
import type { Workspace } from '../database/workspace.ts';
import type { Printer } from '../output/printer.ts';
import { paintStatus } from '../output/status-style.ts';
import type { TableColumn } from '../output/table.ts';
import { realizedTable } from '../resource/find-table.ts';
import { type Key, readKey } from '../resource/key.ts';
import { listAll } from '../resource/list-all.ts';
import type { Cli } from '../run/cli.ts';
import { followStatuses } from './status/follow.ts';
import { printResources } from './status/resource.ts';

interface StatusFlags {
  readonly watch?: boolean;
  readonly all?: boolean;
}

const EXAMPLES = `
Examples:
  intendant status                 resources of each table by status
  intendant status vm              one table, and each of its points
  intendant status vm VM1          one resource at each of its points, with its errors
  intendant status vm --watch      the same, kept current by the feed`;

/** Number of points shown without `--all`. Those with the most severe statuses come first. */
const SHOWN_POINTS = 20;

export const statusCommand = (cli: Cli): Command =>
  new Command('status')
    .description('show resources by status, a table by point, or one resource')
    .argument('[table]')
    .argument('[key]')
    .option('-w, --watch', 'update the output when statuses change')
    .option('--all', 'show all points of a table, not only the 20 with the most severe statuses')
    .addHelpText('after', EXAMPLES)
    .action(
      async (tableName: string | undefined, keyText: string | undefined, flags: StatusFlags, command: Command) => {
        const printer = cli.printer(command);
        await using workspace = await cli.workspace(command);
        const table = tableName === undefined ? undefined : await realizedTable(workspace, tableName);
        const key = table && keyText !== undefined ? readKey(table, keyText) : undefined;
        const show = () => showStatus(cli, printer, workspace, { table, key, showsAll: flags.all === true });
        if (flags.watch !== true) return show();
        await followStatuses(
          cli,
          workspace,
          table === undefined ? await workspace.realizedTables() : [table],
          async () => {
            printer.clear();
            await show();
          },
        );
      },
    );

interface Subject {
  readonly table: AnyTable | undefined;
  readonly key: Key | undefined;
  readonly showsAll: boolean;
}

async function showStatus(cli: Cli, printer: Printer, workspace: Workspace, subject: Subject): Promise<void> {
  const { table, key, showsAll } = subject;
  if (table === undefined) return showTables(printer, workspace);
  if (key === undefined) return showTable(printer, workspace, table, showsAll);
  const session = await workspace.session();
  const found = await listAll(session, table, { where: key as never }, 100);
  if (found.length > 0) return printResources(printer, session, table, found);
  cli.nothingFound();
  printer.result([], () =>
    printer.note(`intendant: ${table.name} has no such resource, or it is not visible to the caller`),
  );
}

async function showTables(printer: Printer, workspace: Workspace): Promise<void> {
  const tables = await workspace.realizedTables();
  const summaries = tables.length === 0 ? [] : await (await workspace.session()).summary(tables);
  printer.result(
    summaries.map(({ table, overall }) => ({ table, overall })),
    () => {
      if (summaries.length === 0) return printer.note('intendant: no table of this database is realized');
      printer.table(
        [
          nameColumn('table', ({ table }: TableSummary) => table),
          ...countColumns(printer, ({ overall }: TableSummary) => overall),
        ],
        summaries,
      );
    },
  );
}

interface PointRow {
  readonly point: string;
  readonly counts: StatusCounts;
}

async function showTable(printer: Printer, workspace: Workspace, table: AnyTable, showsAll: boolean): Promise<void> {
  const [summary] = (await (await workspace.session()).summary([table])) as [TableSummary];
  printer.result(summary, () => {
    const points = [...summary.points].map(([point, counts]) => ({ point, counts })).toSorted(bySeverity);
    const shown = showsAll ? points : points.slice(0, SHOWN_POINTS);
    const rows: PointRow[] = [{ point: `${table.name}, overall`, counts: summary.overall }, ...shown];
    printer.table(
      [nameColumn('point', ({ point }: PointRow) => point), ...countColumns(printer, ({ counts }: PointRow) => counts)],
      rows,
    );
    if (shown.length < points.length)
      printer.line(`${points.length - shown.length} more points; add --all to see them`);
  });
}

const nameColumn = <Row>(title: string, value: (row: Row) => string): TableColumn<Row> => ({
  title,
  value,
  minWidth: 8,
});

/** Most severe first. Empty columns are left out. */
const SEVERE_FIRST = STATUSES.toReversed();

/** Short column titles for long status names: eight columns must fit into 80 characters. */
const TITLES: Partial<Record<Status, string>> = {
  IN_PROGRESS: 'RUNNING',
  DELETION_PENDING: 'DEL_PEND',
  DELETION_IN_PROGRESS: 'DEL_RUN',
  DELETION_REALIZED: 'DELETED',
};

const countColumns = <Row>(printer: Printer, countsOf: (row: Row) => StatusCounts): TableColumn<Row>[] =>
  SEVERE_FIRST.map((status) => ({
    title: TITLES[status] ?? status,
    value: (row) => countsOf(row)[status],
    align: 'right',
    paint: (text) => paintStatus(printer, status, text),
  }));

const bySeverity = (a: PointRow, b: PointRow): number => {
  for (const status of SEVERE_FIRST) {
    const difference = (b.counts[status] ?? 0) - (a.counts[status] ?? 0);
    if (difference !== 0) return difference;
  }
  return a.point.localeCompare(b.point);
};
