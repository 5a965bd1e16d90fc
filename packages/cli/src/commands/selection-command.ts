import type { AnyTable } from '@intendant/core';
import type { RealizationSession, ResourceFilter } from '@intendant/realization';
import { Command } from 'commander';
import { counted } from '../output/counted.ts';
import { realizedTable } from '../resource/find-table.ts';
import type { Key } from '../resource/key.ts';
import { countSelected, type SelectionFlags, select, withSelection } from '../resource/selection.ts';
import type { Cli } from '../run/cli.ts';

interface SelectionCommandFlags extends SelectionFlags {
  readonly dryRun?: boolean;
}

/** A command that gives workers jobs for the resources that are selected. */
export interface SelectionCommand {
  readonly name: string;
  readonly description: string;
  readonly examples: string;
  /** Returns the number of jobs. */
  readonly act: (
    session: RealizationSession,
    table: AnyTable,
    target: readonly Key[] | ResourceFilter<AnyTable>,
  ) => Promise<number>;
  /** What is said of the number of jobs: `3 jobs retried`. */
  readonly done: string;
}

/** `retry` and `resync`: they differ only in what they do with what is selected. */
export const selectionCommand = (cli: Cli, { name, description, examples, act, done }: SelectionCommand): Command =>
  withSelection(new Command(name).description(description).argument('<table>').argument('[keys...]'))
    .option('--dry-run', 'only print the number of matching resources')
    .addHelpText('after', `\nExamples:\n${examples}`)
    .action(async (tableName: string, keys: string[], flags: SelectionCommandFlags, command: Command) => {
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
      const jobs = await act(session, table, 'keys' in selected ? selected.keys : selected.filter);
      if (jobs === 0) cli.nothingFound();
      printer.result({ jobs }, () => printer.line(jobs === 0 ? 'nothing matches' : `${counted(jobs, 'job')} ${done}`));
    });
