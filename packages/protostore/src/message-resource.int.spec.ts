import { create } from '@bufbuild/protobuf';
import { eventually } from '@intendant/devdb/testing';
import { createRealization, type Intent, on } from '@intendant/realization';
import { afterAll, beforeAll, expect, expectTypeOf, test } from 'vitest';
import type { MessageTable } from './index.ts';
import { americasPepsi, openFixture, TENANT_ROLES } from './testing/fixture.ts';
import { CpuSchema } from './testing/gen/hardware/v1/hardware_pb.js';

// The feed and realization do not run with distributed tables yet.
const fixture = await openFixture({ distribution: undefined });
const { protoStore, store } = fixture;
const cpus = protoStore.resource(CpuSchema);
const realization = await createRealization({ store, subscriptions: undefined });
beforeAll(() => realization.register([cpus.table], { roles: TENANT_ROLES }));
afterAll(async () => {
  await realization.close();
  await fixture[Symbol.asyncDispose]();
});

const cpu = (brand: string) => create(CpuSchema, { brand, numberCores: 8 });

test('a message is persisted as an intent, marked, and found as a message again', async () => {
  const intents = realization.as(americasPepsi);
  const { record, status } = await intents.persistIntent(cpus.table, cpus.record('marked', cpu('Intel')), {
    enforcementPoints: ['E1'],
  });
  expect(status).toBe('PENDING');
  expect(cpus.read(record)).toMatchObject({ message: cpu('Intel'), metadata: { id: 'marked', revision: 1 } });
  await intents.markSuccess(cpus.table, { id: 'marked', revision: 1 }, 'E1');
  expect(await intents.getOverallStatus(cpus.table, 'marked')).toBe('REALIZED');
  const found = await protoStore.as(americasPepsi).findById(CpuSchema, 'marked');
  expect(found).toEqual(cpus.read(record));
  const again = await intents.persistIntent(cpus.table, cpus.record('marked', cpu('AMD'), found.metadata));
  expect(again.record.revision).toBe(2);
});

test("the worker's realize and unrealize receive the message", async () => {
  const realized: string[] = [];
  const unrealized: (string | undefined)[] = [];
  const worker = realization.worker({
    enforcementPoint: 'E2',
    handlers: [
      on(cpus.table, {
        realize: cpus.realize(async (intent, { session }) => {
          expectTypeOf(intent.attempt).toEqualTypeOf<Intent<MessageTable>['attempt']>();
          realized.push(`${intent.message.brand} at ${intent.metadata.revision}`);
          await session.find(cpus.table, intent.metadata.id);
        }),
        unrealize: cpus.unrealize(async ({ message }) => {
          unrealized.push(message?.brand);
        }),
      }),
    ],
  });
  await worker.start();
  const intents = realization.as(americasPepsi);
  await intents.persistIntent(cpus.table, cpus.record('worked', cpu('Intel')), { enforcementPoints: ['E2'] });
  await eventually(async () => expect(await intents.getOverallStatus(cpus.table, 'worked')).toBe('REALIZED'));
  expect(realized).toEqual(['Intel at 1']);
  await intents.softDelete(cpus.table, 'worked');
  await eventually(async () => expect(await intents.getOverallStatus(cpus.table, 'worked')).toBe('DELETION_REALIZED'));
  expect(unrealized).toEqual(['Intel']);
  await worker.stop();
});
