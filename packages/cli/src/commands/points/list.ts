import type { PointOverview } from '@intendant/realization';
import { Command } from 'commander';
import { ago } from '../../output/relative-time.ts';
import type { Cli } from '../../run/cli.ts';

const EXAMPLES = `
Examples:
  intendant points                    all points, stale ones first
  intendant points list --stale       those without a worker`;

export const listPointsCommand = (cli: Cli): Command =>
  new Command('list')
    .description('list the points with heartbeat, workers, queue and oldest job')
    .option('--stale', 'only those whose heartbeat is overdue')
    .addHelpText('after', EXAMPLES)
    .action(async ({ stale }: { readonly stale?: boolean }, command: Command) => {
      const printer = cli.printer(command);
      await using workspace = await cli.workspace(command);
      const all = await (await workspace.session()).points();
      const points = all.filter(({ state }) => stale !== true || state === 'stale').toSorted(byState);
      if (points.length === 0) cli.nothingFound();
      printer.result(points, () => {
        if (points.length === 0) return printer.note('intendant: there is no such point');
        printer.table(
          [
            { title: 'point', value: ({ id }) => id, minWidth: 6, isName: true },
            {
              title: 'state',
              value: ({ state }) => state,
              paint: (text, { state }) => printer.paint(STYLES[state], text),
            },
            { title: 'seen', value: ({ heartbeatAt }) => ago(heartbeatAt), align: 'right' },
            { title: 'workers', value: ({ workers }) => workers, align: 'right' },
            { title: 'due/all', value: ({ queue }) => `${queue.due}/${queue.waiting}`, align: 'right' },
            { title: 'running', value: ({ queue }) => queue.running, align: 'right' },
            { title: 'failed', value: ({ queue }) => queue.failed, align: 'right' },
            { title: 'oldest', value: ({ queue }) => ago(queue.oldestDueAt), align: 'right' },
            { title: 'labels', value: labelsText, minWidth: 8 },
          ] satisfies Parameters<typeof printer.table<PointOverview>>[0],
          points,
        );
      });
    });

const STYLES = { live: 'green', stale: 'red', unregistered: 'yellow', removed: 'gray' } as const;
const ORDER: readonly PointOverview['state'][] = ['stale', 'live', 'unregistered', 'removed'];

const byState = (a: PointOverview, b: PointOverview): number =>
  ORDER.indexOf(a.state) - ORDER.indexOf(b.state) || a.id.localeCompare(b.id);

const labelsText = ({ labels }: PointOverview): string =>
  Object.entries(labels)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ');
