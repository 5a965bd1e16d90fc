import type { DurableSubscriptionInfo } from '@intendant/subscription';
import { Command } from 'commander';
import { confirm } from '../output/confirm.ts';
import type { Cli } from '../run/cli.ts';

export const subscriptionsCommand = (cli: Cli): Command =>
  new Command('subscriptions')
    .description('list durable subscriptions with members and lag, or forget one')
    .addCommand(listSubscriptionsCommand(cli), { isDefault: true })
    .addCommand(forgetSubscriptionCommand(cli));

const listSubscriptionsCommand = (cli: Cli): Command =>
  new Command('list')
    .description('list the durable names with members, lag and dead letters')
    .addHelpText('after', '\nExample:\n  intendant subscriptions')
    .action(async (_flags: object, command: Command) => {
      const printer = cli.printer(command);
      await using workspace = await cli.workspace(command);
      const subscriptions = await (await workspace.subscriptions()).list();
      if (subscriptions.length === 0) cli.nothingFound();
      printer.result(subscriptions, () => {
        if (subscriptions.length === 0) return printer.note('intendant: there are no durable subscriptions');
        printer.table(
          [
            { title: 'name', value: ({ name }) => name, minWidth: 8, isName: true },
            { title: 'table', value: ({ table }) => table, minWidth: 6 },
            { title: 'org', value: ({ orgId }) => orgId, minWidth: 4 },
            { title: 'instance', value: ({ instanceId }) => instanceId, minWidth: 4 },
            { title: 'members', value: ({ members }) => members, align: 'right' },
            { title: 'lag', value: ({ lag }) => lag, align: 'right' },
            { title: 'dead', value: ({ deadLetters }) => deadLetters, align: 'right' },
            { title: 'position', value: ({ position }) => position, minWidth: 8 },
          ] satisfies Parameters<typeof printer.table<DurableSubscriptionInfo>>[0],
          subscriptions,
        );
      });
    });

const forgetSubscriptionCommand = (cli: Cli): Command =>
  new Command('forget')
    .description('remove a durable name, its cursors and its dead letters')
    .argument('<name>')
    .option('-y, --yes', 'do not ask')
    .addHelpText('after', '\nNo subscriber may run under the name. Example:\n  intendant subscriptions forget billing')
    .action(async (name: string, { yes }: { readonly yes?: boolean }, command: Command) => {
      const printer = cli.printer(command);
      await using workspace = await cli.workspace(command);
      const subscriptions = await workspace.subscriptions();
      const question = `Forget ${name}, its position and its dead letters?`;
      if (!(await confirm(cli.io, question, yes === true))) return printer.note('Nothing was changed.');
      const forgotten = await subscriptions.forget(name);
      if (!forgotten) cli.nothingFound();
      printer.result({ forgotten }, () => printer.line(forgotten ? `${name} is forgotten` : `there is no ${name}`));
    });
