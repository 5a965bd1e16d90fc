import type { AddressInfo } from 'node:net';
import { type ServerType, serve } from '@hono/node-server';
import { createConsole, SignInLinks } from '@intendant/console';
import type { MetadataContext } from '@intendant/core';
import { createMetrics } from '@intendant/telemetry';
import type { Service } from './service.ts';
import { adminOf, SERVICE_ADMIN, TENANTS } from './tables.ts';

/** One-time links to the page, by the caller that they sign in. */
export interface ServedConsole {
  readonly links: Readonly<Record<string, string>>;
}

const LINK_MS = 12 * 3_600_000;
const HOST = '127.0.0.1';

/** Serves the page on this port, or on a free one if it is taken. */
export async function serveConsole(service: Service, port: number): Promise<ServedConsole> {
  const signInLinks = new SignInLinks<MetadataContext>();
  const app = createConsole({
    ...service,
    signInLinks,
    metrics: createMetrics(service).registry,
    hosts: ['localhost', HOST], // not another site's name that leads here
  });
  const { port: actual } = await listen((given) => serve({ fetch: app.fetch, hostname: HOST, port: given }), port);
  const linkFor = (context: MetadataContext) =>
    `http://${HOST}:${actual}/#link=${signInLinks.issue(context, { expiresInMs: LINK_MS })}`;
  const tenantLinks = TENANTS.map((tenant) => [tenant, linkFor(adminOf(tenant))] as const);
  return { links: { 'all tenants': linkFor(SERVICE_ADMIN), ...Object.fromEntries(tenantLinks) } };
}

function listen(start: (port: number) => ServerType, port: number): Promise<AddressInfo> {
  const server = start(port);
  return new Promise((resolve, reject) => {
    server.once('listening', () => resolve(server.address() as AddressInfo));
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE' && port !== 0) resolve(listen(start, 0));
      else reject(error);
    });
  });
}
