import type { EnforcementPoint } from '@intendant/realization';
import { Command } from 'commander';
import { ago } from '../../output/relative-time.ts';
import type { Cli } from '../../run/cli.ts';

const EXAMPLES = `
Examples:
  intendant points                    all points, stale ones first
  intendant points list --stale       those that nobody serves any more`;

export const listPointsCommand = (cli: Cli): Command =>
  new Command('list')
    .description('list the points with heartbeat, queue and oldest job')
    .option('--stale', 'only those whose heartbeat is overdue')
    .addHelpText('after', EXAMPLES)
    .action(async ({ stale }: { readonly stale?: boolean }, command: Command) => {
      const printer = cli.printer(command);
      await using workspace = await cli.workspace(command);
      const all = (await (await workspace.realization()).points.list()).map(overviewOf);
      const points = all.filter(({ state }) => stale !== true || state === 'stale').toSorted(byState);
      if (points.length === 0) cli.nothingFound();
      printer.result(points, () => {
        if (points.length === 0) return printer.note('intendant: no point is registered');
        printer.table(
          [
            { title: 'point', value: ({ id }) => id, minWidth: 6 },
            {
              title: 'state',
              value: ({ state }) => state,
              paint: (text, { state }) => printer.paint(STYLES[state], text),
            },
            { title: 'seen', value: ({ heartbeatAt }) => ago(heartbeatAt), align: 'right' },
            { title: 'labels', value: labelsText, minWidth: 8 },
          ] satisfies Parameters<typeof printer.table<PointOverview>>[0],
          points,
        );
      });
    });

/** A point as it is shown: one whose heartbeat is overdue is stale. */
type PointOverview = Omit<EnforcementPoint, 'state'> & { readonly state: 'live' | 'stale' | 'removed' };

const STALE_MS = 60_000;

const overviewOf = (point: EnforcementPoint): PointOverview => {
  const isSilent = Date.now() - point.heartbeatAt.getTime() > STALE_MS;
  return { ...point, state: point.state === 'live' && isSilent ? 'stale' : point.state };
};

const STYLES = { live: 'green', stale: 'red', removed: 'gray' } as const;
const ORDER = ['stale', 'live', 'removed'];

const byState = (a: PointOverview, b: PointOverview): number =>
  ORDER.indexOf(a.state) - ORDER.indexOf(b.state) || a.id.localeCompare(b.id);

const labelsText = ({ labels }: PointOverview): string =>
  Object.entries(labels)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ');
