import type { StatusCounts } from '@intendant/realization';
import { Command } from 'commander';
import { confirm } from '../../output/confirm.ts';
import { Progress } from '../../output/progress.ts';
import type { Cli } from '../../run/cli.ts';
import { followRollout } from './rollout.ts';

interface RemoveFlags {
  readonly force?: boolean;
  readonly yes?: boolean;
}

export const drainPointCommand = (cli: Cli): Command =>
  new Command('drain')
    .description('take a point out of service, unrealize what is there, and wait until that is done')
    .argument('<id>')
    .option('-y, --yes', 'do not ask')
    .addHelpText('after', '\nIts workers must run until it is done.\n\nExample:\n  intendant points drain eu-3')
    .action((id: string, flags: RemoveFlags, command: Command) => takeOut(cli, command, id, flags, true));

export const removePointCommand = (cli: Cli): Command =>
  new Command('remove')
    .description('take a point out of service, without waiting')
    .argument('<id>')
    .option('--force', 'forget what was there: for a place that is gone for good')
    .option('-y, --yes', 'do not ask')
    .addHelpText('after', '\nExample:\n  intendant points remove eu-3 --force --yes')
    .action((id: string, flags: RemoveFlags, command: Command) => takeOut(cli, command, id, flags, false));

async function takeOut(
  cli: Cli,
  command: Command,
  id: string,
  { force, yes }: RemoveFlags,
  waits: boolean,
): Promise<void> {
  const printer = cli.printer(command);
  await using workspace = await cli.workspace(command);
  const realization = await workspace.realization();
  const summaries = await realization.summary();
  const resources = summaries.reduce((sum, { points }) => sum + resourcesIn(points.get(id) ?? {}), 0);
  const consequence = force === true ? 'are forgotten there' : 'are to be unrealized there';
  const isSure = await confirm(cli.io, `Remove point ${id}? ${resources} resources ${consequence}.`, yes === true);
  if (!isSure) return printer.note('Nothing was changed.');
  const rollout = await realization.points.remove(id, { force: force === true });
  if (waits) await followRollout(cli, realization, rollout, new Progress(cli.io, `draining ${id}`));
  printer.result({ id, state: 'removed', resources }, () =>
    printer.line(waits ? `${id} is drained` : `${id} is out of service`),
  );
}

const resourcesIn = (counts: StatusCounts): number =>
  Object.entries(counts).reduce((sum, [status, count]) => (status === 'DELETION_REALIZED' ? sum : sum + count), 0);
