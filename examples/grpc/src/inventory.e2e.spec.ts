import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import {
  create,
  type DescMessage,
  type DescMethod,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
import { Client, credentials, Metadata, status } from '@grpc/grpc-js';
import { testDatabase, withClient } from '@intendant/devdb/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Inventory } from './gen/inventory/v1/inventory_pb.js';

/*
 * The service runs in a process of its own, and is called with grpc-js, an implementation of gRPC that shares no code
 * with the server's.
 */

const database = await testDatabase();
let server: ChildProcess;
let client: Client;

beforeAll(async () => {
  server = spawn(process.execPath, [new URL('./main.ts', import.meta.url).pathname], {
    env: { ...process.env, APP_DATABASE_URL: database.url, APP_ADMIN_DATABASE_URL: database.adminUrl, PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = await once(createInterface({ input: server.stdout as NodeJS.ReadableStream }), 'line');
  client = new Client(String(line).replace('listening on ', ''), credentials.createInsecure());
});

afterAll(async () => {
  server.kill('SIGKILL');
  client.close();
  await database.drop();
});

interface Caller {
  readonly orgid?: string;
  readonly roles?: string;
}

const cokeAdmin: Caller = { orgid: 'Coke', roles: 'inventory_admin' };
const cokeAuditor: Caller = { orgid: 'Coke', roles: 'inventory_auditor' };
const pepsiAdmin: Caller = { orgid: 'Pepsi', roles: 'inventory_admin' };

const metadataOf = (caller: Caller): Metadata => {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(caller)) metadata.set(name, value);
  return metadata;
};

const pathOf = (method: DescMethod): string => `/${method.parent.typeName}/${method.name}`;
const writes = (schema: DescMessage) => (message: MessageShape<DescMessage>) => Buffer.from(toBinary(schema, message));

type Unary = typeof Inventory.method.putCpu | typeof Inventory.method.getCpu | typeof Inventory.method.deleteCpu;

function call<Method extends Unary>(
  method: Method,
  caller: Caller,
  request: MessageInitShape<Method['input']>,
): Promise<MessageShape<Method['output']>> {
  const { promise, resolve, reject } = Promise.withResolvers<MessageShape<Method['output']>>();
  client.makeUnaryRequest(
    pathOf(method),
    writes(method.input),
    (bytes) => fromBinary(method.output as Method['output'], bytes),
    create(method.input as DescMessage, request as never),
    metadataOf(caller),
    { deadline: Date.now() + 10_000 },
    (error, answer) => (error ? reject(error) : resolve(answer as MessageShape<Method['output']>)),
  );
  return promise;
}

function openList(caller: Caller, brand?: string) {
  const { listCpus } = Inventory.method;
  return client.makeServerStreamRequest(
    pathOf(listCpus),
    writes(listCpus.input),
    (bytes) => fromBinary(listCpus.output, bytes),
    create(listCpus.input, brand === undefined ? {} : { brand }),
    metadataOf(caller),
    { deadline: Date.now() + 20_000 },
  );
}

async function list(caller: Caller, brand?: string): Promise<string[]> {
  const ids: string[] = [];
  for await (const { id } of openList(caller, brand)) ids.push(id);
  return ids;
}

const { putCpu, getCpu, deleteCpu } = Inventory.method;
const cpu = (brand: string) => ({ brand, model: 'i9-9900K', numberCores: 8, maxGhz: 5 });

test('a stored item is found by the next call, with its revision', async () => {
  expect(await call(putCpu, cokeAdmin, { id: 'P1', cpu: cpu('Intel') })).toMatchObject({ id: 'P1', revision: 1n });
  expect(await call(putCpu, cokeAdmin, { id: 'P1', cpu: cpu('AMD'), revision: 1n })).toMatchObject({ revision: 2n });
  expect(await call(getCpu, cokeAuditor, { id: 'P1' })).toMatchObject({ id: 'P1', revision: 2n, cpu: cpu('AMD') });
});

test('orgs are kept apart', async () => {
  await call(putCpu, cokeAdmin, { id: 'P2', cpu: cpu('coke') });
  await expect(call(getCpu, pepsiAdmin, { id: 'P2' })).rejects.toMatchObject({ code: status.NOT_FOUND });
  await call(putCpu, pepsiAdmin, { id: 'P2', cpu: cpu('pepsi') });
  expect((await call(getCpu, cokeAdmin, { id: 'P2' })).cpu?.brand).toBe('coke');
  expect(await list(pepsiAdmin)).toEqual(['P2']);
});

/** The same items under the other ids, in turn: quicker than a call for each. */
const copyFirstTwo = (org: string, ids: readonly string[]) =>
  withClient(database.adminUrl, (client) =>
    client.query(
      `insert into cpu
       select (jsonb_populate_record(c, jsonb_build_object('id', ids.id))).*
       from unnest($2::text[]) with ordinality as ids (id, place)
       join cpu c on c.org_id = $1 and c.id = ($2::text[])[1 + (place - 1) % 2]
       where place > 2`,
      [org, ids],
    ),
  );

test('a list is streamed, all of it or by brand', async () => {
  const ids = Array.from({ length: 1_500 }, (_, index) => `S${String(index).padStart(4, '0')}`);
  const streamer = { orgid: 'Streamer', roles: 'inventory_admin' };
  for (const [index, brand] of ['AMD', 'Intel'].entries())
    await call(putCpu, streamer, { id: ids[index] as string, cpu: cpu(brand) });
  await copyFirstTwo('Streamer', ids);
  expect(await list(streamer)).toEqual(ids);
  expect(await list(streamer, 'Intel')).toHaveLength(750);
});

test('errors have the matching status code', async () => {
  await call(putCpu, cokeAdmin, { id: 'P3', cpu: cpu('Intel') });
  const attempts = [
    [() => call(putCpu, cokeAdmin, { id: 'P3', cpu: cpu('AMD'), revision: 9n }), status.ABORTED],
    [() => call(putCpu, cokeAuditor, { id: 'P3', cpu: cpu('AMD') }), status.PERMISSION_DENIED],
    [() => call(getCpu, { orgid: 'Coke', roles: 'stranger' }, { id: 'P3' }), status.PERMISSION_DENIED],
    [() => call(getCpu, { roles: 'inventory_admin' }, { id: 'P3' }), status.UNAUTHENTICATED],
    [() => call(putCpu, cokeAdmin, { id: 'P3' }), status.INVALID_ARGUMENT],
    [() => list({ orgid: 'Coke', roles: 'stranger' }), status.PERMISSION_DENIED],
  ] as const;
  for (const [attempt, code] of attempts) await expect(attempt()).rejects.toMatchObject({ code });
  expect((await call(getCpu, cokeAdmin, { id: 'P3' })).revision).toBe(1n);
});

test('a delete can be repeated', async () => {
  await call(putCpu, cokeAdmin, { id: 'P4', cpu: cpu('Intel') });
  for (let time = 0; time < 2; time++) await call(deleteCpu, cokeAdmin, { id: 'P4' });
  await expect(call(getCpu, cokeAdmin, { id: 'P4' })).rejects.toMatchObject({ code: status.NOT_FOUND });
});

test('Ctrl-C ends the service with exit code 0, though a client has stopped reading its list', async () => {
  const hoarder = { orgid: 'Hoarder', roles: 'inventory_admin' };
  const large = cpu('x'.repeat(100_000));
  for (let index = 0; index < 100; index++) await call(putCpu, hoarder, { id: `H${index}`, cpu: large });
  const stalled = openList(hoarder);
  stalled.on('error', () => {}); // The service ends in the middle of it.
  await new Promise((resolve) => stalled.once('data', resolve));
  stalled.pause();
  const ended = once(server, 'exit');
  server.kill('SIGINT');
  expect(await ended).toEqual([0, null]);
});
