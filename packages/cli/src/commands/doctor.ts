import { Command } from 'commander';
import { examine } from '../doctor/examine.ts';
import type { Finding } from '../doctor/finding.ts';
import { counted } from '../output/counted.ts';
import { printable } from '../output/printable.ts';
import type { Printer } from '../output/printer.ts';
import { Progress } from '../output/progress.ts';
import { readDuration } from '../resource/duration.ts';
import type { Cli } from '../run/cli.ts';
import { EXIT } from '../run/exit-code.ts';

const EXAMPLES = `
It checks versions, settings, connections, the pooler, the schema, isolation of tenants, triggers, the relay, lag,
dead letters, points, jobs, long transactions, replication slots and statistics. It changes nothing.
It exits with 1 when it finds something.

Examples:
  intendant doctor
  intendant doctor --older 1m --json`;

export const doctorCommand = (cli: Cli): Command =>
  new Command('doctor')
    .description('find problems of this database, and say how to fix each')
    .option('--older <duration>', 'report jobs and transactions that are older than this', readDuration, 600_000)
    .addHelpText('after', EXAMPLES)
    .action(async ({ older }: { readonly older: number }, command: Command) => {
      const printer = cli.printer(command);
      await using workspace = await cli.workspace(command);
      const progress = new Progress(cli.io, 'examining');
      const findings = await examine(workspace, older, (done, total) => progress.show(done, total)).finally(() =>
        progress.end(),
      );
      if (findings.length > 0) cli.exitCode = EXIT.failed;
      printer.result(findings, () => printFindings(printer, findings));
    });

function printFindings(printer: Printer, findings: readonly Finding[]): void {
  if (findings.length === 0) {
    printer.line('Nothing is wrong.');
    return;
  }
  for (const { severity, check, subject, message, cure } of findings) {
    const word = printer.paint(severity === 'error' ? 'red' : 'yellow', severity);
    printer.paragraph(`${word} ${printable(`${check}: ${subject}`)}`, '  ');
    printer.paragraph(`  ${printable(message)}`, '  ');
    printer.line(`  cure: ${printable(cure)}\n`);
  }
  printer.line(counted(findings.length, 'finding'));
}
