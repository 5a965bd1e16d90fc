import type { Labels } from '@intendant/realization';
import { Command } from 'commander';
import { Progress } from '../../output/progress.ts';
import { realizedTable } from '../../resource/find-table.ts';
import type { Cli } from '../../run/cli.ts';
import { wrongUse } from '../../run/command-error.ts';
import { followRollout } from './rollout.ts';

interface AddFlags {
  readonly label: readonly string[];
  readonly table: readonly string[];
  readonly wait?: boolean;
}

const EXAMPLES = `
Examples:
  intendant points add eu-3 --label region=eu --label tier=2
  intendant points add eu-3 --table vm --wait      wait until everything is placed there`;

const collect = (text: string, before: readonly string[]): readonly string[] => [...before, text];

export const addPointCommand = (cli: Cli): Command =>
  new Command('add')
    .description('register a point, or restore a removed one')
    .argument('<id>')
    .option('--label <name=value>', 'a label that selectors look at; may be given several times', collect, [])
    .option(
      '--table <name>',
      'a table whose resources may be placed there; repeat it for several tables (default: all)',
      collect,
      [],
    )
    .option('--wait', 'wait until all matching resources are placed there')
    .addHelpText('after', EXAMPLES)
    .action(async (id: string, flags: AddFlags, command: Command) => {
      const printer = cli.printer(command);
      await using workspace = await cli.workspace(command);
      const realization = await workspace.realization();
      const tables = await Promise.all(flags.table.map((name) => realizedTable(workspace, name)));
      const rollout = await realization.points.add({
        id,
        ...(flags.label.length > 0 && { labels: readLabels(flags.label) }),
        ...(tables.length > 0 && { tables }),
      });
      if (flags.wait === true) await followRollout(cli, realization, rollout, new Progress(cli.io, `placing at ${id}`));
      printer.result({ id, state: 'live' }, () => printer.line(`${id} is registered`));
    });

const readLabels = (texts: readonly string[]): Labels =>
  Object.fromEntries(
    texts.map((text) => {
      const [name = '', ...rest] = text.split('=');
      if (rest.length === 0) throw wrongUse(`--label ${JSON.stringify(text)} has no value; give name=value`);
      return [name, rest.join('=')];
    }),
  );
