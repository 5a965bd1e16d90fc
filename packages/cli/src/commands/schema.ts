import { Command } from 'commander';
import { applySchema, planSchema } from '../database/plan-schema.ts';
import { counted } from '../output/counted.ts';
import { printable } from '../output/printable.ts';
import type { Cli } from '../run/cli.ts';
import { wrongUse } from '../run/command-error.ts';
import { EXIT } from '../run/exit-code.ts';
import { removeSchema } from './schema/remove.ts';

interface SchemaFlags {
  readonly sql?: boolean;
  readonly check?: boolean;
  readonly apply?: boolean;
  readonly remove?: boolean;
  readonly withTables?: boolean;
  readonly yes?: boolean;
}

const EXAMPLES = `
The tables come from intendant.config.ts; --remove works without it. Examples:
  intendant schema --check                 in CI: exits with 1 when something would be changed
  intendant schema --sql > migration.sql
  intendant schema --apply --admin-url "$ADMIN_DATABASE_URL"
  intendant schema --remove                takes away everything of Intendant's, and leaves your tables`;

export const schemaCommand = (cli: Cli): Command =>
  new Command('schema')
    .description("compare, print, apply or remove Intendant's schema in the database")
    .option('--sql', 'print the SQL that --apply would run')
    .option('--check', 'exit with 1 when the database differs from what the tables need')
    .option('--apply', 'change the database to what the tables need')
    .option('--remove', 'remove the schemas, status tables, triggers, policies and roles of Intendant')
    .option('--with-tables', 'with --remove: your tables and their rows too')
    .option('-y, --yes', 'with --remove: do not ask')
    .addHelpText('after', EXAMPLES)
    .action(async (flags: SchemaFlags, command: Command) => {
      const chosen = [flags.sql, flags.check, flags.apply, flags.remove].filter((flag) => flag === true);
      if (chosen.length > 1) throw wrongUse('choose one of --sql, --check, --apply and --remove');
      const printer = cli.printer(command);
      await using workspace = await cli.workspace(command);
      if (flags.remove === true) return removeSchema(cli, printer, workspace, flags);
      const settings = await workspace.schemaSettings();
      const statements = await planSchema(settings);
      if (flags.sql === true) {
        printer.result({ statements }, () => {
          for (const sql of statements) printer.line(`${sql.trim().replace(/;?$/, ';')}\n`);
        });
        return;
      }
      if (flags.apply === true) {
        if (statements.length > 0) await applySchema(settings);
        return printer.result({ applied: statements.length }, () => printer.line(appliedText(statements.length)));
      }
      if (flags.check === true && statements.length > 0) cli.exitCode = EXIT.failed;
      printer.result({ isUpToDate: statements.length === 0, statements }, () => {
        if (statements.length === 0) return printer.line('The schema is up to date.');
        printer.paragraph(`${counted(statements.length, 'statement')} needed; --sql prints all, --apply runs them:`);
        for (const sql of statements.slice(0, 5))
          printer.line(`  ${printable(sql.trim().split('\n')[0]?.slice(0, 72) ?? '')}`);
        if (statements.length > 5) printer.line(`  and ${statements.length - 5} more`);
      });
    });

const appliedText = (count: number): string =>
  count === 0 ? 'The schema is up to date.' : `The schema is applied: ${counted(count, 'statement')}.`;
