import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { serve } from '@hono/node-server';
import { CommandError } from '../run/command-error.ts';

export interface ListeningServer extends AsyncDisposable {
  /** The address, as a URL without a path. */
  readonly origin: string;
}

type Fetch = (request: Request) => Response | Promise<Response>;

/** Serves HTTP until the returned value is disposed. Throws CommandError when the port is taken. */
export async function listen(fetch: Fetch, host: string, port: number): Promise<ListeningServer> {
  const server = serve({ fetch, hostname: host, port });
  try {
    await once(server, 'listening');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new CommandError(`cannot listen on ${host}:${port} (${code}); choose another port or address`, 1, {
      cause,
    });
  }
  const { port: actual } = server.address() as AddressInfo;
  return {
    origin: `http://${host.includes(':') ? `[${host}]` : host}:${actual}`,
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, 'close');
      server.close();
      if ('closeAllConnections' in server) server.closeAllConnections(); // Open streams do not end by themselves.
      await closed;
    },
  };
}
