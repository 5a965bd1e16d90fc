import { toBinary } from '@bufbuild/protobuf';
import { atScale } from '@intendant/devdb/testing';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { americasPepsi, openFixture } from './testing/fixture.ts';
import { EveryKindSchema } from './testing/gen/hardware/v1/every_kind_pb.js';
import { randomMessage } from './testing/random-message.ts';

/** Messages in all. */
const MESSAGES = atScale(1_000, 10_000);
const BATCH = 100;

const fixture = await openFixture();
const session = fixture.protoStore.as(americasPepsi);
afterAll(() => fixture[Symbol.asyncDispose]());

test('random messages with fields of every kind, known and unknown, come back equal', {
  timeout: 300_000,
}, async () => {
  let round = 0;
  let checked = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(randomMessage, { minLength: BATCH, maxLength: BATCH, size: 'max' }), async (messages) => {
      const parentId = `round ${++round}`;
      await Promise.all(
        messages.map((message, index) => session.insert(`${parentId}/${index}`, message, { parentId })),
      );
      const stored = await session.findAllAsMap(EveryKindSchema, { parentId });
      for (const [index, message] of messages.entries()) {
        const found = stored.get(`${parentId}/${index}`)?.message;
        expect(found).toEqual(message);
        expect(found && toBinary(EveryKindSchema, found)).toEqual(toBinary(EveryKindSchema, message));
        checked++;
      }
    }),
    {
      numRuns: Math.ceil(MESSAGES / BATCH),
      interruptAfterTimeLimit: 280_000,
      markInterruptAsFailure: true,
      endOnFailure: true,
    },
  );
  expect(checked).toBe(Math.ceil(MESSAGES / BATCH) * BATCH);
});
