// Measures the service with autocannon: reads, lists and intents, one after the other. node examples/inventory/src/load.ts
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { serve } from '@hono/node-server';
import { startDevDatabase } from '@intendant/devdb';
import autocannon from 'autocannon';
import { createApp } from './app.ts';
import { machine } from './machine.ts';
import { openService } from './service.ts';
import { createIdentityProvider } from './tokens.ts';

const SECONDS = 5;
const CONNECTIONS = 16;
const MACHINES = 500;

const database = await startDevDatabase({ fsync: true });
const identity = await createIdentityProvider();
const service = await openService(database.url, identity);
const server = serve({ fetch: createApp(service).fetch, hostname: '127.0.0.1', port: 0 });
await once(server, 'listening');
const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
const headers = {
  authorization: `Bearer ${await identity.token('Coke', 'tenant_admin')}`,
  'content-type': 'application/json',
};
const r = service.realization.as(identity.authorizer.trustedContext({ orgId: 'Coke', roles: ['tenant_admin'] }));
for (let index = 0; index < MACHINES; index++)
  await r.persistIntent(machine, { id: `m-${index}`, site: 'berlin', cpus: 4, memoryGb: 16 });

let next = 0;
const REQUESTS: Record<string, autocannon.Request> = {
  'GET /machines/{id}': { method: 'GET', path: '/machines/m-7' },
  'GET /machines?limit=50': { method: 'GET', path: '/machines?limit=50' },
  'PUT /machines/{id}': {
    method: 'PUT',
    body: JSON.stringify({ site: 'berlin', cpus: 8, memoryGb: 16 }),
    setupRequest: (request) => ({ ...request, path: `/machines/new-${next++}` }),
  },
};

console.log(`| request | requests/s | p50 ms | p99 ms | not 2xx |\n| --- | ---: | ---: | ---: | ---: |`);
for (const [name, request] of Object.entries(REQUESTS)) {
  const { requests, latency, non2xx } = await autocannon({
    url: origin,
    connections: CONNECTIONS,
    duration: SECONDS,
    headers,
    requests: [request],
  });
  console.log(`| \`${name}\` | ${Math.round(requests.average)} | ${latency.p50} | ${latency.p99} | ${non2xx} |`);
}
server.close();
if ('closeAllConnections' in server) server.closeAllConnections();
await service.close();
await database.stop();
