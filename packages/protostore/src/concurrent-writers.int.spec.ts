import { create } from '@bufbuild/protobuf';
import { RevisionConflictError } from '@intendant/core';
import { countActivity, eventually } from '@intendant/devdb/testing';
import { afterAll, describe, expect, test } from 'vitest';
import type { WriteResult } from './index.ts';
import { americasPepsi, openFixture } from './testing/fixture.ts';
import { CpuSchema } from './testing/gen/hardware/v1/hardware_pb.js';

const WRITERS = 16;
const ROUNDS = 20;

const fixture = await openFixture({ pool: { max: WRITERS } });
const session = fixture.protoStore.as(americasPepsi);
afterAll(() => fixture[Symbol.asyncDispose]());

const lockWaits = (): Promise<number> => countActivity(fixture.database, `wait_event_type = 'Lock'`);

const cpu = (writer: number, round = 0) => create(CpuSchema, { brand: `writer ${writer}`, numberCores: round });

/** Each writer writes its rounds one after the other; the writers run side by side. */
const sideBySide = async (write: (writer: number, round: number) => Promise<WriteResult>): Promise<WriteResult[]> => {
  const ofWriters = await Promise.all(
    Array.from({ length: WRITERS }, async (_, writer) => {
      const results: WriteResult[] = [];
      for (let round = 0; round < ROUNDS; round++) results.push(await write(writer, round));
      return results;
    }),
  );
  return ofWriters.flat();
};

const revisions = (results: readonly WriteResult[]) =>
  results.map(({ metadata }) => metadata.revision).toSorted((a, b) => a - b);

describe(`${WRITERS} writers at once`, () => {
  test.each(['update', 'upsert'] as const)(
    '%s without metadata: every write counts once and the last one stays',
    async (operation) => {
      const id = `last ${operation}`;
      await session.insert(id, cpu(-1));
      const written = new Map<number, { writer: number; round: number }>();
      const results = await sideBySide(async (writer, round) => {
        const result = await session[operation](id, cpu(writer, round));
        written.set(result.metadata.revision, { writer, round });
        return result;
      });
      const last = WRITERS * ROUNDS + 1;
      expect(revisions(results)).toEqual(Array.from({ length: WRITERS * ROUNDS }, (_, index) => index + 2));
      const { writer, round } = written.get(last) as { writer: number; round: number };
      expect(await session.findById(CpuSchema, id)).toMatchObject({
        message: cpu(writer, round),
        metadata: { revision: last },
      });
    },
  );

  test('upsert of a new id: one inserts at revision 1 and the others follow', async () => {
    const results = await sideBySide((writer, round) => session.upsert('new', cpu(writer, round)));
    expect(revisions(results)).toEqual(Array.from({ length: WRITERS * ROUNDS }, (_, index) => index + 1));
  });

  test('upsert with metadata does not bring back a message that is deleted meanwhile', async () => {
    const { metadata } = await session.insert('raced', cpu(0));
    const upserting = await fixture.store.as(americasPepsi).transaction(async (tx) => {
      await fixture.protoStore.in(tx).deleteById(CpuSchema, 'raced');
      const waiting = session.upsert('raced', cpu(1), metadata);
      waiting.catch(() => {});
      await eventually(async () => expect(await lockWaits()).toBe(1));
      return { waiting };
    });
    await expect(upserting.waiting).rejects.toMatchObject({ code: 'RECORD_NOT_FOUND' });
    await expect(session.findById(CpuSchema, 'raced')).rejects.toMatchObject({ code: 'RECORD_NOT_FOUND' });
  });

  test.each(['update', 'upsert'] as const)(
    '%s with the metadata all have read: exactly one wins',
    async (operation) => {
      const id = `optimistic ${operation}`;
      let { metadata } = await session.insert(id, cpu(-1));
      for (let round = 0; round < ROUNDS; round++) {
        const attempts = await Promise.allSettled(
          Array.from({ length: WRITERS }, (_, writer) => session[operation](id, cpu(writer, round), metadata)),
        );
        const won = attempts.flatMap((attempt, writer) =>
          attempt.status === 'fulfilled' ? [{ writer, ...attempt.value }] : [],
        );
        const lost = attempts.flatMap((attempt) => (attempt.status === 'rejected' ? [attempt.reason] : []));
        expect(won).toHaveLength(1);
        expect(lost.every((reason) => reason instanceof RevisionConflictError)).toBe(true);
        const [winner] = won as [(typeof won)[number]];
        expect(await session.findById(CpuSchema, id)).toEqual({
          message: cpu(winner.writer, round),
          metadata: winner.metadata,
        });
        expect(winner.metadata.revision).toBe(metadata.revision + 1);
        metadata = winner.metadata;
      }
    },
  );
});
