import type { Command } from 'commander';
import type { Cli } from '../run/cli.ts';
import { selectionCommand } from './selection-command.ts';

const EXAMPLES = `  intendant resync vm VM1 VM2
  intendant resync vm --point E1 --status REALIZED
  intendant resync vm --older 1h --status REALIZED --dry-run     say how many resources match`;

export const resyncCommand = (cli: Cli): Command =>
  selectionCommand(cli, {
    name: 'resync',
    description: 'check again whether realized resources really exist at their points',
    examples: EXAMPLES,
    act: (session, table, target) => session.resync(table, target),
    done: 'queued',
  });
