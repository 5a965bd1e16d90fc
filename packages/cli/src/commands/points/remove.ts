import type { Realization } from '@intendant/realization';
import { Command } from 'commander';
import { confirm } from '../../output/confirm.ts';
import { counted } from '../../output/counted.ts';
import { Progress } from '../../output/progress.ts';
import type { Cli } from '../../run/cli.ts';
import { CommandError } from '../../run/command-error.ts';
import { EXIT } from '../../run/exit-code.ts';
import { followRemoval, leftOf } from './removal.ts';
import { followRollout } from './rollout.ts';

interface RemoveFlags {
  readonly force?: boolean;
  readonly yes?: boolean;
}

export const drainPointCommand = (cli: Cli): Command =>
  new Command('drain')
    .description('remove a point, and wait until all its resources are unrealized')
    .argument('<id>')
    .option('-y, --yes', 'do not ask')
    .addHelpText('after', '\nIts workers must run until it is done.\n\nExample:\n  intendant points drain eu-3')
    .action((id: string, flags: RemoveFlags, command: Command) => takeOut(cli, command, id, flags, true));

export const removePointCommand = (cli: Cli): Command =>
  new Command('remove')
    .description('remove a point without waiting')
    .argument('<id>')
    .option('--force', 'forget its resources: for a place that no longer exists')
    .option('-y, --yes', 'do not ask')
    .addHelpText('after', '\nExample:\n  intendant points remove eu-3 --force --yes')
    .action((id: string, flags: RemoveFlags, command: Command) => takeOut(cli, command, id, flags, false));

const isRegistered = async (realization: Realization, id: string): Promise<boolean> =>
  (await realization.points.list()).some((point) => point.id === id);

async function takeOut(
  cli: Cli,
  command: Command,
  id: string,
  { force = false, yes = false }: RemoveFlags,
  waits: boolean,
): Promise<void> {
  const printer = cli.printer(command);
  await using workspace = await cli.workspace(command);
  const realization = await workspace.realization();
  const counts = await realization.points.previewRemoval(id);
  if (counts.size === 0 && !(await isRegistered(realization, id)))
    throw new CommandError(`there is no point ${id}; intendant points list shows them`, EXIT.nothingFound);
  const resources = [...counts.values()].reduce((sum, table) => sum + leftOf(table), 0);
  const consequence = force ? 'forgotten there' : 'unrealized there';
  const question = `Remove point ${id}? ${counted(resources, 'resource')} will be ${consequence}.`;
  if (!(await confirm(cli.io, question, yes))) return printer.note('Nothing was changed.');
  const rollout = await realization.points.remove(id, { force });
  if (waits) {
    await followRollout(cli, realization, rollout, new Progress(cli.io, `moving away from ${id}`));
    await followRemoval(cli, realization, id, new Progress(cli.io, `draining ${id}`));
  }
  const done = waits ? `${id} is drained` : `${id} is out of service`;
  printer.result({ id, state: 'removed', resources }, () => printer.paragraph(done));
}
