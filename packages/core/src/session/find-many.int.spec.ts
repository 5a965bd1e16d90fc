import { tcpProxy } from '@intendant/devdb/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { createDataStore, defineTable, InvalidRecordError, type RecordOf } from '../index.ts';
import { cokeAdmin, onTestServer, openTestStore, pepsiAdmin } from '../testing/fixtures.ts';

const server = defineTable('server', {
  schema: z.object({ id: z.string(), region: z.string().nullable(), cores: z.int(), note: z.string().optional() }),
});

const fixture = await openTestStore();
const coke = fixture.store.as(cokeAdmin);
const ids = (records: readonly { id: string }[]) => records.map(({ id }) => id);
const numbered = (index: number) => `id-${String(index).padStart(4, '0')}`;

beforeAll(async () => {
  await fixture.store.register([server]);
  await coke.insertMany(
    server,
    Array.from({ length: 100 }, (_, index) => ({
      id: numbered(index),
      region: index % 10 === 0 ? null : `region-${index % 3}`,
      cores: index % 7,
    })),
  );
  await fixture.store.as(pepsiAdmin).insert(server, { id: 'pepsis', region: 'region-1', cores: 1 });
});
afterAll(() => fixture[Symbol.asyncDispose]());

test('the default order is by key, and an offset beyond the end returns none', async () => {
  expect(ids(await coke.findMany(server))).toEqual(Array.from({ length: 100 }, (_, index) => numbered(index)));
  expect(await coke.findMany(server, { offset: 100 })).toEqual([]);
  expect(ids(await coke.findMany(server, { limit: 3, offset: 5 }))).toEqual([numbered(5), numbered(6), numbered(7)]);
});

test.each([
  [
    'equality',
    { region: 'region-1', cores: 4 },
    (index: number) => index % 10 !== 0 && index % 3 === 1 && index % 7 === 4,
  ],
  ['null', { region: null }, (index: number) => index % 10 === 0],
  ['not null', { region: { ne: null } }, (index: number) => index % 10 !== 0],
  ['in', { cores: { in: [1, 2] } }, (index: number) => [1, 2].includes(index % 7)],
  ['not in', { cores: { notIn: [1, 2] } }, (index: number) => ![1, 2].includes(index % 7)],
  ['in nothing', { cores: { in: [] } }, () => false],
  ['a range', { cores: { gte: 2, lt: 5 } }, (index: number) => index % 7 >= 2 && index % 7 < 5],
  ['like', { id: { like: 'id-009%' } }, (index: number) => index >= 90],
  ['ilike', { id: { ilike: 'ID-009%' } }, (index: number) => index >= 90],
  ['or', { or: [{ cores: 0 }, { region: null }] }, (index: number) => index % 7 === 0 || index % 10 === 0],
  [
    'and within or',
    { or: [{ and: [{ cores: 0 }, { region: null }] }] },
    (index: number) => index % 7 === 0 && index % 10 === 0,
  ],
  ['or of nothing', { or: [] }, () => false],
])('filters by %s', async (_name, where, matches) => {
  const expected = Array.from({ length: 100 }, (_, index) => index)
    .filter(matches)
    .map(numbered);
  expect(ids(await coke.findMany(server, { where }))).toEqual(expected);
  expect(await coke.count(server, { where })).toBe(expected.length);
});

test('a whole record that was read works as a filter', async () => {
  const [record] = await coke.findMany(server, { where: { id: numbered(42) } });
  expect(await coke.findMany(server, { where: record as NonNullable<typeof record> })).toEqual([record]);
});

test.each([
  ['an unknown column to filter by', { where: { nope: 1 } }],
  ['an undefined filter, which would silently widen the result', { where: { region: undefined } }],
  ['an unknown comparison', { where: { cores: { near: 3 } } }],
  ['a column to sort by that the table lacks', { orderBy: { 'id"; drop table server; --': 'asc' } }],
  ['a direction that is none', { orderBy: { id: 'asc; select 1' } }],
  ['a limit that is not a whole number', { limit: 1.5 }],
  ['an offset below 0', { offset: -1 }],
])('%s is refused', async (_name, options) => {
  await expect(coke.findMany(server, options as never)).rejects.toThrow(InvalidRecordError);
});

test.each([
  [{ cores: 'asc' }],
  [{ cores: 'desc' }],
  [{ region: 'asc', cores: 'desc' }],
  [{ region: 'desc' }],
  [{ createdAt: 'desc' }],
] as const)('pages by %j neither repeat nor skip while rows come and go', async (orderBy) => {
  const whole = ids(await coke.findMany(server, { orderBy }));
  const seen: string[] = [];
  let after: RecordOf<typeof server> | undefined;
  for (;;) {
    const records: RecordOf<typeof server>[] = await coke.findMany(server, { orderBy, limit: 7, after });
    seen.push(...ids(records));
    after = records.at(-1);
    if (!after) break;
    await coke.delete(server, 'passing');
    await coke.insert(server, { id: 'passing', region: null, cores: -1 });
    await coke.delete(server, 'passing');
  }
  expect(seen).toEqual(whole);
});

test('a stream reads everything, one page at a time', async () => {
  const seen: string[] = [];
  for await (const record of coke.stream(server, { limit: 9, where: { cores: { ne: 3 } } })) seen.push(record.id);
  expect(seen).toEqual(ids(await coke.findMany(server, { where: { cores: { ne: 3 } } })));
});

test('a stream fetches a page when it is needed, and none after the loop is left', async () => {
  await using proxy = await tcpProxy({ targetPort: fixture.database.port });
  await using distant = await createDataStore({
    ...onTestServer,
    connection: proxy.through(fixture.database.url),
    adminConnection: fixture.database.adminUrl,
  });
  await distant.register([server]);
  await distant.as(cokeAdmin).count(server);
  proxy.roundTrips = 0;
  let seen = 0;
  for await (const _record of distant.as(cokeAdmin).stream(server, { limit: 10 })) {
    expect(proxy.roundTrips).toBe(Math.floor(seen / 10) + 1);
    if (++seen === 25) break;
  }
  expect(proxy.roundTrips).toBe(3);
  expect(distant.stats().idle).toBe(distant.stats().total);
});

test('a stream goes on past what is deleted under it, and takes in what is added ahead of it', async () => {
  const added = Array.from({ length: 40 }, (_, index) => ({
    id: `moving-${numbered(index)}`,
    region: 'moving',
    cores: 0,
  }));
  await coke.insertMany(server, added);
  const seen: string[] = [];
  for await (const { id } of coke.stream(server, { limit: 5, where: { region: 'moving' } })) {
    seen.push(id);
    await coke.delete(server, id);
    if (seen.length === 20) await coke.insert(server, { id: 'moving-z', region: 'moving', cores: 0 });
  }
  expect(seen).toEqual([...added.map(({ id }) => id), 'moving-z']);
});

test('deleteMany needs a filter, and stays within the org', async () => {
  const doomed = Array.from({ length: 5 }, (_, index) => ({ id: `doomed-${index}`, region: 'doomed', cores: 1 }));
  await coke.insertMany(server, doomed);
  await expect(coke.deleteMany(server, {} as never)).rejects.toThrow(/where: \{\}/);
  expect(await fixture.store.as(pepsiAdmin).deleteMany(server, { where: { region: 'doomed' } })).toBe(0);
  expect(await coke.deleteMany(server, { where: { region: 'doomed' } })).toBe(5);
});

test('insertMany adds all or none, and returns what find returns', async () => {
  const rows = [
    { id: 'many-1', region: 'a "quoted", {braced} \\ NULL', cores: 1, note: 'NULL' },
    { id: 'many-2', region: null, cores: 2 },
  ];
  const inserted = await coke.insertMany(server, rows);
  expect(inserted).toEqual(await coke.findMany(server, { where: { id: { like: 'many-%' } } }));
  await expect(coke.insertMany(server, [{ id: 'many-3', region: null, cores: 1 }, ...rows])).rejects.toThrow(
    /exists already/,
  );
  expect(await coke.count(server, { where: { id: 'many-3' } })).toBe(0);
  expect(await coke.deleteMany(server, { where: { id: { like: 'many-%' } } })).toBe(2);
  expect(await coke.insertMany(server, [])).toEqual([]);
});
