import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { tcpProxy } from './tcp-proxy.ts';

const SIZE = 100_000;

test('when the limit of chunks is lifted, the data that is queued is passed on at once', async () => {
  let received = 0;
  const server = createServer((socket) => socket.on('data', ({ length }) => (received += length)));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  await using proxy = await tcpProxy({ targetPort: (server.address() as AddressInfo).port });
  proxy.chunkBytes = 1;
  const client = connect(proxy.port, '127.0.0.1');
  client.write(Buffer.alloc(SIZE));
  while (received === 0) await turn();
  expect(received).toBeLessThan(SIZE / 2);
  proxy.chunkBytes = Number.POSITIVE_INFINITY;
  let turns = 0;
  for (; received < SIZE && turns < SIZE / 2; turns++) await turn();
  expect(received).toBe(SIZE);
  client.destroy();
  server.close();
});
