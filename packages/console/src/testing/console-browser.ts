import { existsSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import type { JwtContext } from '@intendant/core';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { ensurePage } from '../page-build.ts';
import { type ConsoleFixture, type ConsoleFixtureOptions, openConsole, type TokenOptions } from './console-fixture.ts';

const CANDIDATES = [
  process.env['INTENDANT_CHROMIUM'],
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
];

const chromiumPath = CANDIDATES.find((path) => path !== undefined && existsSync(path));

/** Why the browser tests cannot run on this machine; undefined if they can. */
export const whyNoBrowser: string | undefined =
  chromiumPath === undefined
    ? 'there is no chromium: install it (apt-get install chromium) or name it in INTENDANT_CHROMIUM'
    : undefined;

/** A running console, and a browser. */
export interface BrowserFixture extends AsyncDisposable {
  readonly console: ConsoleFixture;
  readonly url: string;
  /** A separate browser window, signed in by a one-time link. */
  open(caller: TokenOptions, options?: Parameters<Browser['newContext']>[0]): Promise<Page>;
  /** Closes every connection of the console, and refuses new ones until `restore` is called. */
  cut(): void;
  restore(): void;
}

export async function openBrowser(options: Pick<ConsoleFixtureOptions, 'database'> = {}): Promise<BrowserFixture> {
  const [console, browser] = await Promise.all([
    openConsole({ ...options, console: { limits: { signInsPerMinute: 1_000 } } }),
    chromium.launch({
      executablePath: chromiumPath as string,
      args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu'],
    }),
    ensurePage(),
  ]);
  const server = createServer(getRequestListener(console.app.fetch) as Parameters<typeof createServer>[1]);
  const line = cuttable(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
  const contexts: BrowserContext[] = [];
  return {
    console,
    url,
    ...line,
    open: async (caller, options) => {
      const context = await browser.newContext({
        viewport: { width: 1_400, height: 900 },
        reducedMotion: 'reduce',
        ...options,
      });
      contexts.push(context);
      const page = await context.newPage();
      page.setDefaultTimeout(60_000); // On a busy machine a page is slow.
      await page.goto(linkFor(console, url, await console.context(caller)));
      await page.getByRole('heading', { name: 'Overview' }).waitFor();
      return page;
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(contexts.map((context) => context.close()));
      await browser.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await console[Symbol.asyncDispose]();
    },
  };
}

const linkFor = ({ signInLinks }: ConsoleFixture, url: string, context: JwtContext): string =>
  `${url}/#link=${signInLinks.issue(context)}`;

function cuttable(server: Server): Pick<BrowserFixture, 'cut' | 'restore'> {
  let isCut = false;
  server.on('connection', (socket) => {
    if (isCut) socket.destroy();
  });
  return {
    cut: () => {
      isCut = true;
      server.closeAllConnections();
    },
    restore: () => {
      isCut = false;
    },
  };
}
