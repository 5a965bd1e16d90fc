import { Command } from 'commander';
import { counted } from '../output/counted.ts';
import { realizedTable } from '../resource/find-table.ts';
import { countSelected, type SelectionFlags, select, withSelection } from '../resource/selection.ts';
import type { Cli } from '../run/cli.ts';

interface ResyncFlags extends SelectionFlags {
  readonly dryRun?: boolean;
}

const EXAMPLES = `
Examples:
  intendant resync vm VM1 VM2
  intendant resync vm --point E1 --status REALIZED
  intendant resync vm --older 1h --status REALIZED --dry-run     say how many resources match`;

export const resyncCommand = (cli: Cli): Command =>
  withSelection(
    new Command('resync')
      .description('look again whether what is realized is really there')
      .argument('<table>')
      .argument('[keys...]'),
  )
    .option('--dry-run', 'only say how many resources match')
    .addHelpText('after', EXAMPLES)
    .action(async (tableName: string, keys: string[], flags: ResyncFlags, command: Command) => {
      const printer = cli.printer(command);
      await using workspace = await cli.workspace(command);
      const table = await realizedTable(workspace, tableName);
      const selected = await select(workspace, table, keys, flags);
      const session = await workspace.session();
      if (flags.dryRun === true) {
        const resources = await countSelected(session, table, selected);
        if (resources === 0) cli.nothingFound();
        return printer.result({ resources }, () => printer.line(`${counted(resources, 'resource')} selected`));
      }
      const jobs = await session.resync(table, 'keys' in selected ? selected.keys : selected.filter);
      if (jobs === 0) cli.nothingFound();
      printer.result({ jobs }, () =>
        printer.line(jobs === 0 ? 'nothing matches' : `${counted(jobs, 'job')} put in line for a look`),
      );
    });
