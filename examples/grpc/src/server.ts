import { type EventEmitter, once } from 'node:events';
import { createServer, type Http2Server, type ServerHttp2Session } from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import { connectNodeAdapter } from '@connectrpc/connect-node';
import { createDataStore } from '@intendant/core';
import { createProtoStore, defineMessage, type ProtoStore } from '@intendant/protostore';
import { withErrorCodes } from './error-code.ts';
import { CpuSchema, Inventory } from './gen/inventory/v1/inventory_pb.js';
import { inventory } from './inventory.ts';

export interface ServerOptions {
  /** The application login's URL. */
  readonly databaseUrl: string;
  /** A login that may create roles and tables. Default: `databaseUrl`. */
  readonly adminDatabaseUrl?: string | undefined;
  /** The port; 0 chooses a free one. */
  readonly port: number;
}

export interface RunningServer {
  readonly port: number;
  /** Waits up to three seconds for running calls to end; then closes all connections. */
  close(): Promise<void>;
}

const ROLES = { inventory_admin: 'tenant_writer', inventory_auditor: 'tenant_reader' } as const;
const GRACE_MS = 3_000;

/** gRPC over HTTP/2, without TLS, on 127.0.0.1. */
export async function startServer({
  databaseUrl,
  adminDatabaseUrl = databaseUrl,
  port,
}: ServerOptions): Promise<RunningServer> {
  const store = await createDataStore({ connection: databaseUrl, adminConnection: adminDatabaseUrl });
  try {
    const protoStore = createProtoStore(store);
    await protoStore.register([defineMessage(CpuSchema, { table: 'cpu', indexes: [['brand']] })], { roles: ROLES });
    const server = await listen(protoStore, port);
    return {
      port: server.port,
      async close() {
        await server.close();
        await store.close();
      },
    };
  } catch (error) {
    await store.close();
    throw error;
  }
}

async function listen(protoStore: ProtoStore, port: number): Promise<RunningServer> {
  const adapter = connectNodeAdapter({
    routes: (router) => void router.service(Inventory, inventory(protoStore)),
    interceptors: [withErrorCodes],
  });
  const server = createServer(adapter);
  const sessions = tracked(server, 'session', (session: ServerHttp2Session) => session.close());
  const sockets = tracked(server, 'connection', (socket: Socket) => socket.destroy());
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, close: () => closeServer(server, sessions, sockets) };
}

/** Collects what a server opens until it closes; returns a function that closes everything still open. */
function tracked<Thing extends EventEmitter>(server: Http2Server, event: string, end: (thing: Thing) => void) {
  const open = new Set<Thing>();
  server.on(event, (thing: Thing) => {
    open.add(thing);
    thing.once('close', () => open.delete(thing));
  });
  return () => open.forEach(end);
}

/** The socket of a client that reads nothing can outlive its session, so sockets are closed too. */
async function closeServer(server: Http2Server, endSessions: () => void, endSockets: () => void): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  endSessions();
  const impatience = setTimeout(endSockets, GRACE_MS);
  await closed;
  clearTimeout(impatience);
}
