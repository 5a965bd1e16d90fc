// Serves the inventory on a port of this machine, with two tenants and two sites, until Ctrl-C.
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { serve } from '@hono/node-server';
import { startDevDatabase } from '@intendant/devdb';
import { createApp } from './app.ts';
import { startBilling } from './billing.ts';
import { openService, siteWorker } from './service.ts';
import { createIdentityProvider } from './tokens.ts';

const database = await startDevDatabase();
const identity = await createIdentityProvider();
const service = await openService(database.url, identity);
await startBilling(service);
for (const site of ['berlin', 'oslo']) await siteWorker(service, site).start();
const server = serve({
  fetch: createApp(service).fetch,
  hostname: '127.0.0.1',
  port: Number(process.env['PORT'] ?? 0),
});
await once(server, 'listening');
const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

const token = await identity.token('Coke', 'tenant_admin');
console.log(`The inventory is at ${origin}

Coke's page:   ${origin}/#token=${token}
Pepsi's page:  ${origin}/#token=${await identity.token('Pepsi', 'tenant_admin')}

A new machine: curl -i -X PUT ${origin}/machines/web-1 -H 'If-None-Match: *' \\
  -H 'Authorization: Bearer ${token}' -H 'Content-Type: application/json' \\
  -d '{"site":"berlin","cpus":8,"memoryGb":32}'

Ctrl-C ends it.`);

await new Promise<void>((resolve) => {
  process.once('SIGINT', resolve);
  process.once('SIGTERM', resolve);
});
server.close();
if ('closeAllConnections' in server) server.closeAllConnections();
await service.close();
await database.stop();
