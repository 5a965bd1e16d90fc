import { once } from 'node:events';
import { createServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { connectNodeAdapter } from '@connectrpc/connect-node';
import { createDataStore } from '@intendant/core';
import { createProtoStore, defineMessage } from '@intendant/protostore';
import { withErrorCodes } from './error-code.ts';
import { CpuSchema, Inventory } from './gen/inventory/v1/inventory_pb.js';
import { inventory } from './inventory.ts';

export interface ServerOptions {
  /** The application login's URL. */
  readonly databaseUrl: string;
  /** A login that may create roles and tables. Default: `databaseUrl`. */
  readonly adminDatabaseUrl?: string | undefined;
  /** 0 takes a free one. */
  readonly port: number;
}

export interface RunningServer extends AsyncDisposable {
  readonly port: number;
}

const ROLES = { inventory_admin: 'tenant_writer', inventory_auditor: 'tenant_reader' } as const;

/** gRPC over HTTP/2, without TLS, on 127.0.0.1. */
export async function startServer({
  databaseUrl,
  adminDatabaseUrl = databaseUrl,
  port,
}: ServerOptions): Promise<RunningServer> {
  const store = await createDataStore({ connection: databaseUrl, adminConnection: adminDatabaseUrl });
  const protoStore = createProtoStore(store);
  await protoStore.register([defineMessage(CpuSchema, { table: 'cpu', indexes: [['brand']] })], { roles: ROLES });
  const adapter = connectNodeAdapter({
    routes: (router) => void router.service(Inventory, inventory(protoStore)),
    interceptors: [withErrorCodes],
  });
  const server = createServer(adapter);
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      server.close();
      await store.close();
    },
  };
}
