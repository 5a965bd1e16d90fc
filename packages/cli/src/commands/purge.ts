import type { AnyTable } from '@intendant/core';
import type { RealizationSession } from '@intendant/realization';
import { Command } from 'commander';
import { confirm } from '../output/confirm.ts';
import { counted } from '../output/counted.ts';
import { Progress } from '../output/progress.ts';
import { realizedTable } from '../resource/find-table.ts';
import type { Key } from '../resource/key.ts';
import { listAll } from '../resource/list-all.ts';
import { type Selected, type SelectionFlags, select, withSelection } from '../resource/selection.ts';
import type { Cli } from '../run/cli.ts';

interface PurgeFlags extends SelectionFlags {
  readonly yes?: boolean;
  readonly dryRun?: boolean;
}

const EXAMPLES = `
Examples:
  intendant purge vm VM1                                      asks first
  intendant purge vm --status DELETION_REALIZED --older 7d --yes
  intendant purge vm --status ERROR --point E1 --dry-run      says how many`;

/** Number of resources purged in one transaction. */
const CHUNK = 500;

export const purgeCommand = (cli: Cli): Command =>
  withSelection(
    new Command('purge')
      .description('delete resources with their statuses and jobs permanently, without unrealizing them')
      .argument('<table>')
      .argument('[keys...]'),
  )
    .option('-y, --yes', 'do not ask')
    .option('--dry-run', 'only print the number of matching resources')
    .addHelpText('after', EXAMPLES)
    .action(async (tableName: string, texts: string[], flags: PurgeFlags, command: Command) => {
      const printer = cli.printer(command);
      await using workspace = await cli.workspace(command);
      const table = await realizedTable(workspace, tableName);
      const session = await workspace.session();
      const keys = await keysOf(session, table, await select(workspace, table, texts, flags));
      if (keys.length === 0) {
        cli.nothingFound();
        return printer.result({ purged: 0 }, () => printer.note('intendant: nothing matches'));
      }
      if (flags.dryRun === true)
        return printer.result({ resources: keys.length }, () =>
          printer.line(`${counted(keys.length, 'resource')} selected`),
        );
      const question = `Purge ${counted(keys.length, 'resource')} of ${table.name} permanently, without unrealizing them?`;
      if (!(await confirm(cli.io, question, flags.yes === true))) return printer.note('Nothing was purged.');
      const purged = await purgeAll(cli, session, table, keys);
      printer.result({ purged }, () => printer.line(`${purged} purged`));
    });

async function keysOf(session: RealizationSession, table: AnyTable, selected: Selected): Promise<readonly Key[]> {
  if ('keys' in selected) return selected.keys;
  const found = await listAll(session, table, selected.filter, Number.MAX_SAFE_INTEGER);
  return found.map(({ key }) => key as Key);
}

async function purgeAll(cli: Cli, session: RealizationSession, table: AnyTable, keys: readonly Key[]): Promise<number> {
  const progress = new Progress(cli.io, 'purging');
  let purged = 0;
  for (let from = 0; from < keys.length && !cli.io.signal.aborted; from += CHUNK) {
    progress.show(from, keys.length);
    purged += await session.purgeMany(table, keys.slice(from, from + CHUNK) as never);
  }
  progress.end();
  return purged;
}
