import { Command } from 'commander';
import { changesCommand } from './commands/changes.ts';
import { completionCommand } from './commands/completion.ts';
import { consoleCommand } from './commands/console.ts';
import { deadLettersCommand } from './commands/dead-letters.ts';
import { devCommand } from './commands/dev.ts';
import { doctorCommand } from './commands/doctor.ts';
import { historyCommand } from './commands/history.ts';
import { listCommand } from './commands/list.ts';
import { pointsCommand } from './commands/points.ts';
import { purgeCommand } from './commands/purge.ts';
import { resyncCommand } from './commands/resync.ts';
import { retryCommand } from './commands/retry.ts';
import { schemaCommand } from './commands/schema.ts';
import { statusCommand } from './commands/status.ts';
import { subscriptionsCommand } from './commands/subscriptions.ts';
import { workerCommand } from './commands/worker.ts';
import type { Cli } from './run/cli.ts';
import { version } from './run/version.ts';

const COMMANDS: readonly ((cli: Cli) => Command)[] = [
  statusCommand,
  listCommand,
  historyCommand,
  changesCommand,
  retryCommand,
  resyncCommand,
  purgeCommand,
  pointsCommand,
  subscriptionsCommand,
  deadLettersCommand,
  schemaCommand,
  doctorCommand,
  workerCommand,
  devCommand,
  consoleCommand,
  completionCommand,
];

const AFTER_HELP = `
Exit codes: 0 done, 1 failed, 2 wrong use, 3 nothing found.
Settings come from flags, then from the environment (DATABASE_URL,
ADMIN_DATABASE_URL, INTENDANT_CONFIG), then from intendant.config.ts. Without a
list of tables there, those that the database holds are used.`;

/** Builds the program with all its commands. */
export function makeProgram(cli: Cli): Command {
  const program = new Command('intendant')
    .description('Shows the intents of a database, which are stuck and why, and acts on them.')
    .version(version, '-V, --version', 'print the version')
    .option('--url <url>', 'the application login, postgres://user:password@host:5432/name')
    .option('--admin-url <url>', 'a login that may change the schema and read the catalogs')
    .option('--config <file>', 'the configuration file (default: intendant.config.ts, if it exists)')
    .option('--schema <name>', 'the schema of the tables (default: public)')
    .option('--org <id>', 'act only for this org')
    .option('--instance <id>', 'act only for this instance')
    .option('--json', 'print JSON')
    .addHelpText('after', AFTER_HELP);
  for (const make of COMMANDS) program.addCommand(make(cli));
  for (const command of withDescendants(program)) configure(command, cli);
  return program;
}

const withDescendants = (command: Command): Command[] => [command, ...command.commands.flatMap(withDescendants)];

/** Makes Commander throw instead of ending the process, and write to the program's streams. */
function configure(command: Command, { io }: Cli): void {
  command
    .exitOverride()
    .showHelpAfterError(`Run "intendant ${pathOf(command)}--help" for its arguments and flags.`)
    .helpCommand(false)
    .configureHelp({ showGlobalOptions: true, helpWidth: Math.min(io.stdout.columns ?? 80, 100) })
    .configureOutput({
      writeOut: (text) => void io.stdout.write(text),
      writeErr: (text) => void io.stderr.write(text),
      outputError: (text, write) => write(text.replace(/^error: /, 'intendant: ')),
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    });
}

function pathOf(command: Command): string {
  return command.parent ? `${pathOf(command.parent)}${command.name()} ` : '';
}
