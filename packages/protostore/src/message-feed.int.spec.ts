import { create } from '@bufbuild/protobuf';
import { eventually, isOnCitus } from '@intendant/devdb/testing';
import { createRealization, on } from '@intendant/realization';
import { type Change, createSubscriptions } from '@intendant/subscription';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { isChangeOf, type MessageChange } from './index.ts';
import { americasCoke, americasPepsi, openFixture, TENANT_ROLES } from './testing/fixture.ts';
import { CpuSchema, MemorySchema } from './testing/gen/hardware/v1/hardware_pb.js';

const fixture = await openFixture();
const { protoStore, store } = fixture;
const cpus = protoStore.resource(CpuSchema);
const memories = protoStore.resource(MemorySchema);
const pepsi = protoStore.as(americasPepsi);
const subscriptions = await createSubscriptions({
  store,
  records: [cpus.table],
  ...(isOnCitus() && { source: 'replication' }), // There it reads the nodes' logs.
});
const realization = await createRealization({ store, subscriptions });
beforeAll(() => realization.register([cpus.table], { roles: TENANT_ROLES }));
afterAll(async () => {
  await realization.close();
  await subscriptions.close();
  await fixture[Symbol.asyncDispose]();
});

const cpu = (brand: string) => create(CpuSchema, { brand, numberCores: 8 });

test('each change of a message names its type, and holds the message where the feed holds records', async () => {
  const changes: MessageChange<Change>[] = [];
  await using _ = await subscriptions.subscribe(
    cpus.table.name,
    (change) => {
      const described = protoStore.change(change);
      if (described) changes.push(described);
    },
    { as: americasPepsi },
  );
  await protoStore.as(americasCoke).insert('fed', cpu('Coke'));
  const { metadata } = await pepsi.insert('fed', cpu('Intel'));
  await pepsi.update('fed', cpu('AMD'), metadata);
  await pepsi.softDeleteById(CpuSchema, 'fed');
  await store.as(americasPepsi).delete(cpus.table, 'fed', { bypassRealization: true });
  await eventually(() => expect(changes).toHaveLength(4));
  expect(changes.map(({ operation, revision, isSoft }) => [operation, revision, isSoft])).toEqual([
    ['insert', 1, false],
    ['update', 2, false],
    ['delete', 3, true],
    ['delete', 3, false],
  ]);
  for (const change of changes) {
    expect(change).toMatchObject({
      typeName: 'hardware.v1.Cpu',
      table: 'processor',
      key: { id: 'fed' },
      orgId: 'Pepsi',
    });
    expect(isChangeOf(MemorySchema, change)).toBe(false);
  }
  const stored = changes.map((change) => (isChangeOf(CpuSchema, change) ? change.stored : undefined));
  expect(stored.map((each) => each?.message)).toEqual([cpu('Intel'), cpu('AMD'), cpu('AMD'), cpu('AMD')]);
  expect(stored[0]).toEqual({ message: cpu('Intel'), metadata });
});

test('without records a change names type and key alone', async () => {
  const changes: Change[] = [];
  await using _ = await subscriptions.subscribe(memories.table.name, (change) => void changes.push(change));
  await pepsi.insert('bare', create(MemorySchema, { brand: 'Samsung' }));
  await eventually(() => expect(changes).toHaveLength(1));
  expect(protoStore.change(changes[0] as Change)).toMatchObject({
    typeName: 'hardware.v1.Memory',
    key: { id: 'bare' },
    stored: undefined,
  });
  expect(protoStore.change({ table: 'overall_status_processor' })).toBeUndefined();
});

test('a worker that the feed wakes receives each newer message, and overall follows', async () => {
  const realized: string[] = [];
  const worker = realization.worker({
    enforcementPoint: 'E1',
    handlers: [
      on(cpus.table, {
        realize: cpus.realize(
          async ({ message, metadata }) => void realized.push(`${message.brand} ${metadata.revision}`),
        ),
        unrealize: cpus.unrealize(
          async ({ message, metadata }) => void realized.push(`no ${metadata.id}, was ${message?.brand}`),
        ),
      }),
    ],
  });
  await worker.start();
  const intents = realization.as(americasPepsi);
  const reach = (status: 'REALIZED' | 'DELETION_REALIZED') =>
    intents.waitFor(cpus.table, 'worked', { status, timeoutMs: 20_000 });
  const { record } = await intents.persistIntent(cpus.table, cpus.record('worked', cpu('Intel')), {
    enforcementPoints: ['E1'],
  });
  await reach('REALIZED');
  await intents.persistIntent(cpus.table, cpus.record('worked', cpu('AMD'), cpus.read(record).metadata));
  await reach('REALIZED');
  await store.as(americasPepsi).transaction(async (tx) => {
    await realization.in(tx).softDelete(cpus.table, 'worked');
    await realization.in(tx).delete(cpus.table, 'worked');
  });
  await reach('DELETION_REALIZED');
  expect(realized).toEqual(['Intel 1', 'AMD 2', 'no worked, was undefined']);
  await worker.stop();
});

test('a message that does not parse is an ERROR that names table and id', async () => {
  const intents = realization.as(americasPepsi);
  await intents.persistIntent(cpus.table, cpus.record('broken', cpu('Intel')), { enforcementPoints: ['E2'] });
  await store
    .as(americasPepsi)
    .transaction((tx) => tx.query(`update processor set payload = '\\xff' where id = 'broken'`));
  const worker = realization.worker({
    enforcementPoint: 'E2',
    handlers: [on(cpus.table, { realize: cpus.realize(async () => {}), unrealize: cpus.unrealize(async () => {}) })],
  });
  await worker.start();
  await eventually(async () => {
    const { enforcement } = await intents.getOverallStatusWithEnforcementDetails(cpus.table, 'broken');
    expect(enforcement.get('E2')).toMatchObject({
      status: 'ERROR',
      additionalDetails: expect.stringMatching(/processor "broken".*hardware\.v1\.Cpu/),
    });
  });
  await worker.stop();
});
