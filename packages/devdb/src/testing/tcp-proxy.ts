import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { refuseUnknownOptions } from '../unknown-option.ts';

/** Options of `tcpProxy`. */
export interface TcpProxyOptions {
  /** The port that connections are forwarded to. */
  readonly targetPort: number;
  /** Default 127.0.0.1. */
  readonly targetHost?: string;
  /** Added to each chunk in each direction, in milliseconds. Default 0. */
  readonly latencyMs?: number;
}

/** A TCP connection to a server that can be observed, slowed down, paused and broken. */
export interface TcpProxy extends AsyncDisposable {
  /** The port on 127.0.0.1 that the proxy listens on. */
  readonly port: number;
  /** Number of times that the client sent something after the server had sent something: its round trips. May be set to 0. */
  roundTrips: number;
  /** Number of open connections. */
  readonly connections: number;
  /** Added to each chunk in each direction from now on, in milliseconds. */
  latencyMs: number;
  /** The largest chunk that is passed on at a time. Default: no limit. 1: byte by byte. */
  chunkBytes: number;
  /** Holds all data back and keeps connections open, like a network that hangs. */
  pause(): void;
  /** Ends a `pause` and sends the data that was held back. */
  resume(): void;
  /** Breaks all connections. */
  cut(): void;
  /** Sets the port that new connections are forwarded to. */
  retarget(port: number): void;
  /** Returns the URL with the host and port of this proxy. */
  through(url: string): string;
  /** Breaks all connections and stops listening. */
  close(): Promise<void>;
}

/** Starts a TCP proxy on a free port of 127.0.0.1. */
export async function tcpProxy(options: TcpProxyOptions): Promise<TcpProxy> {
  refuseUnknownOptions('tcpProxy', options, ['targetPort', 'targetHost', 'latencyMs']);
  const { targetPort, targetHost = '127.0.0.1', latencyMs = 0 } = options;
  const sockets = new Set<Socket>();
  let target = targetPort;
  let isPaused = false;
  const server: Server = createServer((client) => {
    const upstream = connect(target, targetHost);
    let lastSpeaker: 'client' | 'server' = 'server';
    const link = (from: Socket, to: Socket, speaker: 'client' | 'server') => {
      const deliver = inOrder(proxy);
      sockets.add(from);
      from.setNoDelay(true);
      if (isPaused) from.pause();
      from.on('data', (chunk) => {
        if (speaker === 'client' && lastSpeaker === 'server') proxy.roundTrips++;
        lastSpeaker = speaker;
        for (const part of partsOf(chunk, proxy.chunkBytes)) deliver(() => to.writable && to.write(part));
      });
      from.on('error', () => to.destroy());
      from.on('close', () => {
        sockets.delete(from);
        deliver(() => to.end()); // queued behind the data that is still being delayed
      });
    };
    link(client, upstream, 'client');
    link(upstream, client, 'server');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const close = async () => {
    for (const socket of sockets) socket.destroy();
    if (!server.listening) return;
    server.close();
    await once(server, 'close');
  };
  const proxy: TcpProxy = {
    port,
    roundTrips: 0,
    latencyMs,
    chunkBytes: Number.POSITIVE_INFINITY,
    get connections() {
      return sockets.size / 2;
    },
    pause() {
      isPaused = true;
      for (const socket of sockets) socket.pause();
    },
    resume() {
      isPaused = false;
      for (const socket of sockets) socket.resume();
    },
    cut() {
      for (const socket of sockets) socket.destroy();
    },
    retarget(newPort) {
      target = newPort;
    },
    through(url) {
      const other = new URL(url);
      other.hostname = '127.0.0.1';
      other.port = String(port);
      return other.href;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
  return proxy;
}

/**
 * Runs actions one after the other, each after the latency that applied when it was queued. While chunks are limited,
 * each action has its own turn of the event loop, so that the receiver reads the parts one by one. When the limit is
 * lifted, what is queued is passed on at once.
 */
function inOrder(shape: Pick<TcpProxy, 'latencyMs' | 'chunkBytes'>): (act: () => unknown) => void {
  let last = Promise.resolve();
  let waiting = 0;
  return (act) => {
    if (waiting === 0 && shape.latencyMs === 0 && !Number.isFinite(shape.chunkBytes)) return void act();
    const dueAt = performance.now() + shape.latencyMs;
    waiting++;
    last = last
      .then(() => delay(dueAt - performance.now(), Number.isFinite(shape.chunkBytes)))
      .then(() => {
        waiting--;
        act();
      });
  };
}

function delay(ms: number, takesTurn: boolean): Promise<void> | undefined {
  if (ms > 0) return new Promise((resolve) => setTimeout(resolve, ms));
  return takesTurn ? new Promise((resolve) => setImmediate(resolve)) : undefined;
}

function* partsOf(chunk: Buffer, bytes: number): Generator<Buffer> {
  const size = Math.min(bytes, chunk.length);
  for (let start = 0; start < chunk.length; start += size) yield chunk.subarray(start, start + size);
}
