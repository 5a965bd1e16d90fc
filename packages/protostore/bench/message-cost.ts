// Measures the cost of a message compared with the same bytes in a plain core table, and the memory for a stream of many messages.
// Run: pnpm run bench [messages to stream]. Each figure is the median of interleaved rounds.
import { randomBytes } from 'node:crypto';
import { create, toBinary } from '@bufbuild/protobuf';
import { createDataStore, defineTable } from '@intendant/core';
import { testDatabase } from '@intendant/devdb/testing';
import { z } from 'zod';
import { createProtoStore } from '../src/index.ts';
import { EveryKindSchema } from '../src/testing/gen/hardware/v1/every_kind_pb.js';
import { CpuSchema } from '../src/testing/gen/hardware/v1/hardware_pb.js';

const STREAMED = Number(process.argv[2] ?? 100_000);
const ROUNDS = 9;
const OPERATIONS = 2_000;
const CLIENTS = 8;

const database = await testDatabase();
const store = await createDataStore({
  connection: database.url,
  adminConnection: database.adminUrl,
  pool: { max: CLIENTS },
});
const protoStore = createProtoStore(store);
const roles = { tenant_admin: 'tenant_writer' } as const;
const plain = defineTable('plain', {
  schema: z.object({ id: z.string(), payload: z.instanceof(Uint8Array) }),
  instanced: true,
});
await protoStore.register([CpuSchema, EveryKindSchema], { roles });
await store.register([plain], { roles });
const caller = { orgId: 'Coke', roles: ['tenant_admin'] };
const session = store.as(caller);
const protoSession = protoStore.as(caller);

const small = create(CpuSchema, {
  brand: 'Intel',
  name: 'i9-9900K',
  numberCores: 8,
  numberThreads: 16,
  minGhz: 1,
  maxGhz: 5,
});
const large = create(EveryKindSchema, { bytesValue: new Uint8Array(randomBytes(10_000)) });
const mixed = create(EveryKindSchema, {
  repeatedStrings: Array.from({ length: 100 }, (_, index) => `interface ${index}`),
});

/** Operations per second, with several at the same time. */
async function rate(operate: (index: number) => Promise<unknown>): Promise<number> {
  const started = performance.now();
  let next = 0;
  await Promise.all(
    Array.from({ length: CLIENTS }, async () => {
      while (next < OPERATIONS) await operate(next++);
    }),
  );
  return OPERATIONS / ((performance.now() - started) / 1_000);
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] as number;

/** Measures both in each round, in alternating order, so that the warm-up favours neither. */
async function compare(
  name: string,
  ours: (round: number) => Promise<number>,
  theirs: (round: number) => Promise<number>,
): Promise<void> {
  const figures: { ours: number[]; theirs: number[] } = { ours: [], theirs: [] };
  for (let round = 0; round < ROUNDS; round++) {
    const order = round % 2 ? (['ours', 'theirs'] as const) : (['theirs', 'ours'] as const);
    for (const which of order) figures[which].push(await (which === 'ours' ? ours : theirs)(round));
  }
  const [message, bytes] = [median(figures.ours), median(figures.theirs)];
  console.log(
    `${name}: message ${message.toFixed(0)}/s, plain bytes ${bytes.toFixed(0)}/s, ${(bytes / message).toFixed(2)} times the cost`,
  );
}

for (const [size, schema, message] of [
  ['small', CpuSchema, small],
  ['100 strings', EveryKindSchema, mixed],
  ['10 kB', EveryKindSchema, large],
] as const) {
  const payload = toBinary(schema as typeof CpuSchema, message as typeof small);
  const name = (operation: string) => `${operation}, ${size} (${payload.byteLength} bytes)`;
  await compare(
    name('insert'),
    (round) => rate((index) => protoSession.insert(`${size} ${round} ${index}`, message)),
    (round) => rate((index) => session.insert(plain, { id: `${size} ${round} ${index}`, payload })),
  );
  await compare(
    name('find'),
    (round) => rate((index) => protoSession.findById(schema, `${size} ${round} ${index}`)),
    (round) => rate((index) => session.find(plain, `${size} ${round} ${index}`)),
  );
}

/** The heap, and buffers outside it. */
const held = (): number => process.memoryUsage().heapUsed + process.memoryUsage().external;

async function streamAll(): Promise<void> {
  const streamer = { orgId: 'Streamer', roles: ['tenant_admin'] };
  const { table, record } = { table: protoStore.table(CpuSchema), record: protoStore.resource(CpuSchema) };
  for (let first = 0; first < STREAMED; first += 1_000) {
    const records = Array.from({ length: Math.min(1_000, STREAMED - first) }, (_, index) =>
      record.record(
        String(first + index).padStart(9, '0'),
        create(CpuSchema, { brand: 'x'.repeat(500), numberCores: first + index }),
      ),
    );
    await store.as(streamer).insertMany(table, records);
  }
  globalThis.gc?.();
  const before = held();
  const heaps: number[] = [];
  let seen = 0;
  const started = performance.now();
  for await (const { message } of protoStore.as(streamer).stream(CpuSchema)) {
    if (message.numberCores !== seen++) throw new Error(`message ${seen} is out of order`);
    if (seen % (STREAMED / 10) !== 0) continue;
    globalThis.gc?.();
    heaps.push((held() - before) / 2 ** 20);
  }
  const seconds = (performance.now() - started) / 1_000;
  if (seen !== STREAMED) throw new Error(`streamed ${seen} of ${STREAMED}`);
  console.log(
    `stream: ${seen} messages of 500 bytes in ${seconds.toFixed(1)} s; memory above the start at each tenth, MiB: ${heaps.map((heap) => heap.toFixed(1)).join(' ')}`,
  );
}
await streamAll();
await store.close();
await database.drop();
