import { atScale } from '@intendant/devdb/testing';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { DatabaseError, defineTable, IntendantError, InvalidRecordError, MissingOrgIdError } from '../index.ts';
import { cokeAdmin, openTestStore, pepsiAdmin, serviceAdmin } from '../testing/fixtures.ts';
import { hostileValue } from '../testing/hostile-values.ts';

const anything = defineTable('anything', {
  schema: z.object({
    id: z.string(),
    text: z.string().nullable(),
    small: z.int32().nullable(),
    whole: z.int().nullable(),
    big: z.bigint().nullable(),
    double: z.number().nullable(),
    flag: z.boolean().nullable(),
    at: z.date().nullable(),
    kind: z.enum(['a', 'b']).nullable(),
    bytes: z.instanceof(Uint8Array).nullable(),
    json: z.unknown(),
  }),
});
const FIELDS = ['text', 'small', 'whole', 'big', 'double', 'flag', 'at', 'kind', 'bytes', 'json'] as const;
/** Their columns have one zero: -0 is stored as 0. */
const WHOLE_NUMBERS: ReadonlySet<string> = new Set(['small', 'whole']);
const EMPTY = Object.fromEntries(FIELDS.map((field) => [field, null]));

const fixture = await openTestStore();
const { store } = fixture;
const coke = store.as(cokeAdmin);
beforeAll(() => store.register([anything]));
afterAll(() => fixture[Symbol.asyncDispose]());

let serial = 0;
const freshId = () => `id-${++serial}`;
/** A clear error of ours, raised because of the input; anything else thrown fails the test. */
async function refusedOr<T>(attempt: () => Promise<T>): Promise<T | undefined> {
  try {
    return await attempt();
  } catch (error) {
    if (!(error instanceof IntendantError) || error instanceof DatabaseError) throw error;
    expect(error.message.length).toBeLessThan(2_000);
    return undefined;
  }
}

/** JSON has one zero, and no undefined. */
const asJson = (input: unknown): unknown => JSON.parse(JSON.stringify(input));

const isSame = (field: string, stored: unknown, given: unknown): void => {
  if (given === undefined) expect(stored ?? null).toBeNull();
  else if (given instanceof Uint8Array) expect(Buffer.from(stored as Uint8Array)).toEqual(Buffer.from(given));
  else if (field === 'json') expect(stored).toEqual(asJson(given));
  else if (WHOLE_NUMBERS.has(field)) expect(stored === given, `${String(stored)} is ${String(given)}`).toBe(true);
  else expect(stored).toEqual(given);
};

const runs = { numRuns: atScale(200, 20_000) };

describe('whatever comes in is stored exactly or refused clearly', () => {
  test(
    'in a record',
    () =>
      fc.assert(
        fc.asyncProperty(fc.constantFrom(...FIELDS), hostileValue, async (field, given) => {
          const record = { ...EMPTY, id: freshId(), [field]: given };
          const stored = await refusedOr(() => coke.insert(anything, record as never));
          if (!stored) return;
          isSame(field, stored[field], given);
          expect(await coke.find(anything, record.id)).toEqual(stored);
          const [many] = await coke.insertMany(anything, [{ ...record, id: freshId() } as never]);
          expect({ ...many, id: record.id, createdAt: 0, updatedAt: 0 }).toEqual({
            ...stored,
            createdAt: 0,
            updatedAt: 0,
          });
          expect(
            await coke.count(anything, { where: { id: record.id, [field]: { eq: stored[field] } } as never }),
          ).toBe(1);
        }),
        runs,
      ),
    300_000,
  );

  test(
    'in a key',
    () =>
      fc.assert(
        fc.asyncProperty(hostileValue, async (id) => {
          const stored = await refusedOr(() => coke.upsert(anything, { ...EMPTY, id } as never));
          const found = await refusedOr(() => coke.find(anything, id as never));
          expect(found?.id).toEqual(stored?.id);
          if (stored) {
            expect(stored.id).toBe(id);
            expect(await coke.delete(anything, id as string)).toBe(1);
          } else {
            await refusedOr(() => coke.delete(anything, id as never));
            await refusedOr(() => coke.softDelete(anything, { id } as never));
          }
        }),
        runs,
      ),
    300_000,
  );

  test(
    'in a filter, by any comparison',
    () =>
      fc.assert(
        fc.asyncProperty(
          fc.constantFrom('id', 'orgId', 'revision', 'createdAt', 'deletedAt', ...FIELDS),
          fc.constantFrom('', 'eq', 'ne', 'lt', 'lte', 'gt', 'gte', 'like', 'in', 'notIn', '__proto__'),
          hostileValue,
          async (field, comparison, operand) => {
            const where = { [field]: comparison === '' ? operand : { [comparison]: operand } };
            await refusedOr(() => coke.findMany(anything, { where, limit: 1 } as never));
            await refusedOr(() =>
              coke.findMany(anything, { where: { [field]: { in: [operand] } }, limit: 1 } as never),
            );
          },
        ),
        runs,
      ),
    300_000,
  );

  test(
    'as a sort column, a direction, a place to go on from, a limit, an offset, a revision, a filter',
    () =>
      fc.assert(
        fc.asyncProperty(hostileValue, async (given) => {
          const attempts: object[] = [
            { orderBy: { [String(typeof given === 'string' ? given : 'text')]: 'asc' } },
            { orderBy: { text: given } },
            { orderBy: given },
            { after: given },
            { after: { id: given }, orderBy: { id: 'desc' } },
            { limit: given },
            { offset: given },
            { where: given },
            { where: { and: given } },
            { where: { or: [given] } },
          ];
          for (const options of attempts)
            await refusedOr(() => coke.findMany(anything, { limit: 1, ...options } as never));
          await refusedOr(() => coke.delete(anything, 'absent', { revision: given } as never));
          await refusedOr(() => coke.update(anything, { ...EMPTY, id: 'absent', revision: given } as never));
          await refusedOr(() => coke.insertMany(anything, given as never));
          await refusedOr(() => coke.insert(anything, given as never));
        }),
        runs,
      ),
    300_000,
  );

  test(
    'in a context',
    () =>
      fc.assert(
        fc.asyncProperty(hostileValue, hostileValue, async (orgId, role) => {
          const session = store.as({ orgId, roles: ['tenant_admin'] } as never);
          const id = freshId();
          const stored = await refusedOr(() => session.insert(anything, { ...EMPTY, id, json: {} } as never));
          if (stored) {
            expect(stored.orgId).toBe(orgId);
            expect((await session.findMany(anything)).map((record) => record.orgId)).toEqual([orgId]);
            await session.deleteMany(anything, { where: {} });
          }
          await refusedOr(() => store.as({ orgId: 'Coke', roles: [role] } as never).count(anything));
          await refusedOr(() => store.as({ orgId: 'Coke', roles: role } as never).count(anything));
          await refusedOr(() => store.as(role as never).count(anything));
          await refusedOr(() => store.as({ ...pepsiAdmin, instanceId: orgId } as never).count(anything));
          await refusedOr(() => store.as(serviceAdmin).findMany(anything, { where: { orgId }, limit: 1 } as never));
          await refusedOr(() => coke.find(anything, { id, orgId } as never));
        }),
        runs,
      ),
    300_000,
  );
});

test.each([
  ['a NUL', 'a\0b', InvalidRecordError],
  ['a lone surrogate', '\ud800', InvalidRecordError],
  ['a number', 5, InvalidRecordError],
  ['a list', ['Coke'], InvalidRecordError],
  ['nothing', '', MissingOrgIdError],
])('an org id that is %s is refused before any SQL', async (_what, orgId, error) => {
  await expect(store.as({ orgId, roles: ['tenant_admin'] } as never).findMany(anything)).rejects.toThrow(error);
});

test('org ids that look the same are different orgs', async () => {
  const orgs = [
    'Org',
    'org',
    'Org ',
    ' Org',
    'Örg',
    'O\u0308rg',
    'Org\u200b',
    `Org'--`,
    'Org%',
    '*',
    'null',
    'NULL',
    '{Org}',
  ];
  await Promise.all(
    orgs.map((orgId) =>
      store.as({ ...cokeAdmin, orgId }).insert(anything, { ...EMPTY, id: 'same', text: orgId, json: 1 } as never),
    ),
  );
  for (const orgId of orgs) {
    const seen = await store.as({ ...cokeAdmin, orgId }).findMany(anything);
    expect(seen.map(({ text }) => text)).toEqual([orgId]);
  }
});

test('__proto__ in a document is data, and no prototype is touched', async () => {
  const json = JSON.parse('{"__proto__": {"polluted": true}, "constructor": {"prototype": 1}}');
  await coke.insert(anything, { ...EMPTY, id: 'proto', json } as never);
  const stored = await coke.find(anything, 'proto');
  expect(JSON.stringify(stored.json)).toContain('"__proto__":{"polluted":true}');
  expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
});
