import { Command } from 'commander';
import type { Cli } from '../run/cli.ts';
import { addPointCommand } from './points/add.ts';
import { listPointsCommand } from './points/list.ts';
import { drainPointCommand, removePointCommand } from './points/remove.ts';

export const pointsCommand = (cli: Cli): Command =>
  new Command('points')
    .description('list, add, drain and remove enforcement points')
    .addCommand(listPointsCommand(cli), { isDefault: true })
    .addCommand(addPointCommand(cli))
    .addCommand(drainPointCommand(cli))
    .addCommand(removePointCommand(cli));
