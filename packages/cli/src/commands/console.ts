import { createConsole, SignInLinks } from '@intendant/console';
import { ensurePage } from '@intendant/console/page-build';
import type { MetadataContext } from '@intendant/core';
import { createMetrics } from '@intendant/telemetry';
import { Command } from 'commander';
import { pino } from 'pino';
import type { Workspace } from '../database/workspace.ts';
import { listen } from '../http/listen.ts';
import { readPort } from '../resource/duration.ts';
import type { Cli } from '../run/cli.ts';
import { untilInterrupted } from '../run/until-interrupted.ts';

interface ConsoleFlags {
  readonly host: string;
  readonly port: number;
  readonly origin?: string;
}

const EXAMPLES = `
Without an authorizer in intendant.config.ts the only way in is the one-time link that it prints, for the context of the
configuration, --org, or the whole service. With a JwtAuthorizer callers sign in with their tokens.

Examples:
  intendant console
  intendant console --org acme                 a link that sees one tenant
  intendant console --host 0.0.0.0 --port 8080 --origin https://console.example.com`;

export const consoleCommand = (cli: Cli): Command =>
  new Command('console')
    .description("serve the console's page and HTTP API")
    .option('--host <address>', 'listen on this address', '127.0.0.1')
    .option('--port <port>', 'listen on this port; 0: a free one', readPort, 4000)
    .option('--origin <url>', 'how browsers reach it, for the link (default: the address)')
    .addHelpText('after', EXAMPLES)
    .action(async (flags: ConsoleFlags, command: Command) => {
      cli.stopsOnSignal = true;
      const printer = cli.printer(command);
      await using workspace = await cli.workspace(command);
      const signInLinks = new SignInLinks<MetadataContext>();
      await using server = await serveConsole(workspace, signInLinks, flags);
      const origin = flags.origin ?? server.origin;
      const link = hasLink(workspace) ? `${origin}/#link=${signInLinks.issue(workspace.context)}` : undefined;
      printer.result({ origin, ...(link !== undefined && { link }) }, () => {
        printer.line(`The console is at ${origin}`);
        if (link !== undefined) printer.line(`Open it with this link, which works once: ${link}`);
      });
      await untilInterrupted(cli.io.signal);
    });

async function serveConsole(
  workspace: Workspace,
  signInLinks: SignInLinks<MetadataContext>,
  { host, port, origin }: ConsoleFlags,
) {
  await ensurePage();
  const subscriptions = await workspace.subscriptions();
  const realization = await workspace.realization();
  const { authorizer } = workspace.settings;
  const store = await workspace.store();
  const { registry } = createMetrics({ store, realization, subscriptions });
  const app = createConsole({
    store,
    realization,
    subscriptions,
    signInLinks,
    metrics: registry,
    logger: pino({ name: 'intendant' }, pino.destination(2)),
    ...(authorizer !== undefined && { authorizer }),
    ...(LOOPBACK.has(host) && { hosts: localHosts(origin) }),
  });
  return listen(app.fetch, host, port);
}

const LOOPBACK: ReadonlySet<string> = new Set(['127.0.0.1', 'localhost', '::1']);

/** The names of this machine, and that of `--origin`, if a proxy runs in front. */
const localHosts = (origin: string | undefined): string[] => [
  'localhost',
  '127.0.0.1',
  '[::1]',
  ...(origin !== undefined && URL.canParse(origin) ? [new URL(origin).hostname] : []),
];

/** The store's authorizer reads the context of a sign-in link, so it must know the meaning of its fields. */
const hasLink = ({ settings: { authorizer, context } }: Workspace): boolean =>
  authorizer === undefined || context !== undefined;
