import { Command } from 'commander';
import { counted } from '../output/counted.ts';
import { realizedTable } from '../resource/find-table.ts';
import { countSelected, type SelectionFlags, select, withSelection } from '../resource/selection.ts';
import type { Cli } from '../run/cli.ts';

interface RetryFlags extends SelectionFlags {
  readonly dryRun?: boolean;
}

const EXAMPLES = `
Examples:
  intendant retry vm VM1 VM2
  intendant retry vm --point E1 --status ERROR
  intendant retry vm --older 1h --status ERROR --dry-run     say how many resources match`;

export const retryCommand = (cli: Cli): Command =>
  withSelection(
    new Command('retry')
      .description('try failed and waiting resources again now, from attempt 1')
      .argument('<table>')
      .argument('[keys...]'),
  )
    .option('--dry-run', 'only say how many resources match')
    .addHelpText('after', EXAMPLES)
    .action(async (tableName: string, keys: string[], flags: RetryFlags, command: Command) => {
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
      const jobs = await session.retry(table, 'keys' in selected ? selected.keys : selected.filter);
      if (jobs === 0) cli.nothingFound();
      printer.result({ jobs }, () => printer.line(jobs === 0 ? 'nothing matches' : `${counted(jobs, 'job')} retried`));
    });
