import { resolve } from 'node:path';
import { Command } from 'commander';
import { readPort } from '../resource/duration.ts';
import type { Cli } from '../run/cli.ts';
import { CommandError } from '../run/command-error.ts';
import { untilInterrupted } from '../run/until-interrupted.ts';

interface DevFlags {
  readonly data: string;
  readonly port: number;
  readonly database: string;
}

const EXAMPLES = `
The data stays when it ends. Examples:
  intendant dev
  intendant dev --data /tmp/scratch --port 0 --json`;

export const devCommand = (cli: Cli): Command =>
  new Command('dev')
    .description('run a Postgres for development and print its URL')
    .option('--data <folder>', 'the folder for the data', '.intendant/postgres')
    .option('--port <port>', 'on 127.0.0.1; 0: a free one', readPort, 54_329)
    .option('--database <name>', 'created if it is not there', 'intendant')
    .addHelpText('after', EXAMPLES)
    .action(async ({ data, port, database }: DevFlags, command: Command) => {
      cli.stopsOnSignal = true;
      const { signal, folder } = cli.io;
      const printer = cli.printer(command);
      const { startDevDatabase } = await loadDevDatabase();
      const dataDir = resolve(folder, data);
      await using server = await startDevDatabase({
        dataDir,
        url: '', // never the server that DATABASE_URL names
        settings: { wal_level: 'logical' },
        ...(port !== 0 && { port }),
      });
      const url = await server.createDatabase(database);
      printer.result({ url, dataDir }, () => {
        printer.line(url);
        printer.note(`The data is in ${dataDir}. Ctrl-C stops the server.`);
      });
      await untilInterrupted(signal);
    });

async function loadDevDatabase(): Promise<typeof import('@intendant/devdb')> {
  try {
    return await import('@intendant/devdb');
  } catch (cause) {
    throw new CommandError(
      'the package @intendant/devdb is not installed; run "npm install --save-dev @intendant/devdb"',
      1,
      { cause },
    );
  }
}
