import type { Command } from 'commander';
import type { Cli } from '../run/cli.ts';
import { selectionCommand } from './selection-command.ts';

const EXAMPLES = `  intendant retry vm VM1 VM2
  intendant retry vm --point E1 --status ERROR
  intendant retry vm --older 1h --status ERROR --dry-run     say how many resources match`;

export const retryCommand = (cli: Cli): Command =>
  selectionCommand(cli, {
    name: 'retry',
    description: 'try failed and waiting resources again now, from attempt 1',
    examples: EXAMPLES,
    act: (session, table, target) => session.retry(table, target),
    done: 'retried',
  });
