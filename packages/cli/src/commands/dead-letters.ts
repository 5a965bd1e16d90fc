import { Command } from 'commander';
import type { Cli } from '../run/cli.ts';
import { dropDeadLettersCommand, replayDeadLettersCommand } from './dead-letters/act.ts';
import { listDeadLettersCommand } from './dead-letters/list.ts';
import { showDeadLetterCommand } from './dead-letters/show.ts';

export const deadLettersCommand = (cli: Cli): Command =>
  new Command('dead-letters')
    .description('list, show, replay and drop the changes that subscribers failed to process')
    .addCommand(listDeadLettersCommand(cli), { isDefault: true })
    .addCommand(showDeadLetterCommand(cli))
    .addCommand(replayDeadLettersCommand(cli))
    .addCommand(dropDeadLettersCommand(cli));
