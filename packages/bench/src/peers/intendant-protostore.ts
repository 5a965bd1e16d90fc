import { create, toBinary } from '@bufbuild/protobuf';
import { ApiSchema, MethodSchema, Syntax } from '@bufbuild/protobuf/wkt';
import { createDataStore, defineTable } from '@intendant/core';
import { createProtoStore, defineMessage } from '@intendant/protostore';
import { z } from 'zod';
import type { Contestant, ContestantOptions } from '../contestant/contestant.ts';
import { loadFor, type Work } from '../contestant/load.ts';
import { orgOf, ROLE_MAPPING, TENANT_ROLES } from '../database/bench-table.ts';
import { POOL_SIZE } from './tenant-store.ts';

const plain = defineTable('plain_message', {
  schema: z.object({ id: z.string(), payload: z.instanceof(Uint8Array) }),
  instanced: true,
});

/** A message type defined by Protobuf itself, with a few fields and a nested message. */
const message = create(ApiSchema, {
  name: 'intendant.bench.Machines',
  version: '1.0',
  syntax: Syntax.PROTO3,
  methods: ['Get', 'List', 'Create'].map((name) =>
    create(MethodSchema, { name, requestTypeUrl: `bench/${name}Request`, responseTypeUrl: `bench/${name}Response` }),
  ),
});

/** Ours: messages through protostore, and the same bytes through core alone. */
export async function open({ url, adminUrl }: ContestantOptions): Promise<Contestant> {
  const store = await createDataStore({ connection: url, adminConnection: adminUrl, pool: { max: POOL_SIZE } });
  const protoStore = createProtoStore(store);
  await protoStore.register([defineMessage(ApiSchema, { table: 'api_message' })], { roles: ROLE_MAPPING });
  await store.register([plain], { roles: ROLE_MAPPING });
  const context = { orgId: orgOf(0), roles: TENANT_ROLES };
  let count = 0;
  const newId = () => `m-${process.pid}-${count++}`;
  const insertBytes = (id: string) => store.as(context).insert(plain, { id, payload: toBinary(ApiSchema, message) });
  const known = newId();
  await protoStore.as(context).upsert(known, message);
  await insertBytes(known);
  const operations: Record<string, () => Promise<unknown>> = {
    'insert-message': () => protoStore.as(context).insert(newId(), message),
    'insert-bytes': () => insertBytes(newId()),
    'find-message': () => protoStore.as(context).findById(ApiSchema, known),
    'find-bytes': () => store.as(context).find(plain, known),
  };
  return {
    run: ({ operation, clients, durationMs }) => {
      const operate = operations[operation];
      if (operate === undefined) throw new Error(`there is no operation ${operation}`);
      const work: Work = async () => {
        await operate();
        return undefined;
      };
      return loadFor(clients, durationMs, work);
    },
    close: () => store.close(),
  };
}
