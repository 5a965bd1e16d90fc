import { defineTable } from '@intendant/core';
import { eventually } from '@intendant/devdb/testing';
import { afterAll, expect, test } from 'vitest';
import { z } from 'zod';
import { createSubscriptions } from '../create-subscriptions.ts';
import { coke, note, openFixture, ROLES, sourceThere } from '../testing/fixture.ts';

const fixture = await openFixture();
const { subscriptions } = fixture;
afterAll(() => fixture[Symbol.asyncDispose]());

test('changes are chosen by key and by fields of the record, before the handler', async () => {
  const seen: string[] = [];
  const collect = (options: object, name: string) =>
    subscriptions.subscribe('note', ({ key, operation }) => seen.push(`${name}: ${operation} ${key['id']}`), options);
  const opened = [
    await collect({ keys: ['k1', { id: 'k3' }] }, 'keys'),
    await collect({ where: { size: { gte: 5n }, orgId: 'Coke' } }, 'large'),
    await collect({ where: { size: [1n, 2n], id: { ne: 'k1' } }, as: coke, operations: ['insert'] }, 'tenant'),
    await collect({ keys: ['k9'], name: 'durable keys' }, 'durable'),
  ];
  const session = fixture.store.as(coke);
  for (const [id, size] of [
    ['k1', 1n],
    ['k2', 2n],
    ['k3', 9n],
    ['k9', 4n],
  ] as const)
    await session.insert(note, { id, size });
  await session.delete(note, 'k3');
  const wanted = ['keys: insert k1', 'keys: insert k3', 'keys: delete k3', 'large: insert k3', 'large: delete k3'];
  await eventually(() =>
    expect(seen.toSorted()).toEqual([...wanted, 'tenant: insert k2', 'durable: insert k9'].toSorted()),
  );
  await eventually(async () => expect(await opened[3]?.lag()).toBe(0));
  for (const subscription of opened) await subscription.close();
});

const sample = defineTable('sample', {
  schema: z.object({
    id: z.date(),
    level: z.number(),
    bytes: z.instanceof(Uint8Array),
    tags: z.record(z.string(), z.int()),
  }),
});

test('a filter compares values as Postgres does, also those that only SQL can store', async () => {
  await fixture.store.register([sample], { roles: ROLES });
  const own = await createSubscriptions({ store: fixture.store, records: [note, sample], ...sourceThere });
  const id = new Date('2026-01-01T00:00:00Z');
  const seen: string[] = [];
  const collect = (name: string, options: object) =>
    own.subscribe('sample', ({ operation }) => seen.push(`${name}: ${operation}`), options);
  await collect('a date as key', { keys: [id] });
  await collect('an object', { where: { tags: { eq: { b: 2, a: 1 } } } });
  await collect('zero', { where: { level: -0 } });
  await collect('above 5', { where: { level: { gt: 5 } } });
  await collect('bytes below 9', { where: { bytes: { lt: new Uint8Array([9]) } } });
  const session = fixture.store.as(coke);
  await session.insert(sample, { id, level: 0, bytes: new Uint8Array([10]), tags: { a: 1, b: 2 } });
  await fixture.admin.query(`update sample set level = 'NaN'`);
  await session.delete(sample, id);
  const ofAll = ['a date as key', 'an object'].flatMap((name) =>
    ['insert', 'update', 'delete'].map((operation) => `${name}: ${operation}`),
  );
  const wanted = [...ofAll, 'zero: insert', 'above 5: update', 'above 5: delete'];
  await eventually(() => expect(seen.toSorted()).toEqual(wanted.toSorted()));
  await own.close();
});

test.each([
  ['a field that does not exist', { where: { colour: 'red' } }, /no field "colour"/],
  ['an undefined value', { where: { size: undefined } }, /compared with undefined/],
  ['an unknown comparison', { where: { size: { around: 3n } } }, /cannot be compared by "around"/],
  ['a value the column cannot hold', { where: { size: 'large' } }, /size/],
  ['no keys', { keys: [] }, /not an empty one/],
  ['a key of other fields', { keys: [{ name: 'x' }] }, /has the fields id/],
  ['a key that is null', { keys: [null] }, /has the fields id/],
])('a filter with %s is refused', async (_, options, message) => {
  await expect(subscriptions.subscribe('note', () => {}, options as object)).rejects.toThrow(message);
});

test('a filter on fields that the changes do not contain is refused', async () => {
  const subscribing = subscriptions.subscribe('vm', () => {}, { where: { name: 'x' } });
  await expect(subscribing).rejects.toThrow(/changes of vm do not contain; name the table in `records`/);
});

test.each([
  ['concurrency', 0],
  ['concurrency', 1.5],
  ['maxBuffered', -1],
  ['maxBuffered', Number.POSITIVE_INFINITY],
  ['handlerTimeoutMs', 0],
  ['handlerTimeoutMs', Number.NaN],
  ['backoffMs', -1],
  ['backoffMs', '50'],
  ['maxBackoffMs', Number.NaN],
])('a subscription with %s %s is refused by name', async (name, value) => {
  const subscribing = subscriptions.subscribe('note', () => {}, { [name]: value });
  await expect(subscribing).rejects.toMatchObject({ code: 'CONFIGURATION', details: { option: name } });
});

test.each([
  ['retentionMs', 0],
  ['retentionMs', Number.NaN],
  ['partitionSize', 0],
  ['partitionSize', Number.POSITIVE_INFINITY],
])('a feed with %s %s is refused by name', async (name, value) => {
  const creating = createSubscriptions({ store: fixture.store, [name]: value });
  await expect(creating).rejects.toMatchObject({ code: 'CONFIGURATION', details: { option: name } });
});

test('options that do not exist are refused by name in every method', async () => {
  const unknown = { nonsense: 1 } as never;
  const message = /there is no option "nonsense"/;
  await expect(createSubscriptions({ store: fixture.store, ...(unknown as object) })).rejects.toThrow(message);
  await expect(subscriptions.subscribe('note', () => {}, unknown)).rejects.toThrow(message);
  await expect(subscriptions.subscribeBatches('note', () => {}, unknown)).rejects.toThrow(message);
  await expect(subscriptions.changes('note', unknown).next()).rejects.toThrow(message);
  await expect(subscriptions.mirror('note', unknown)).rejects.toThrow(message);
  await expect(subscriptions.deadLetters('x', unknown)).rejects.toThrow(message);
  await expect(subscriptions.findDeadLetters(unknown)).rejects.toThrow(message);
  await expect(subscriptions.replayDeadLetters('x', unknown)).rejects.toThrow(message);
  await expect(subscriptions.discardDeadLetters('x', unknown)).rejects.toThrow(message);
  await expect(subscriptions.forget('x', unknown)).rejects.toThrow(message);
  await expect(subscriptions.subscribe('note', () => {}, { batchSize: 2 } as never)).rejects.toThrow('"batchSize"');
});

test('after close every call says that the subscriptions are closed', async () => {
  const other = await fixture.another();
  const subscription = await other.subscribe('note', () => {});
  await other.close();
  const closed = /these subscriptions are closed/;
  await expect(other.subscribe('note', () => {})).rejects.toThrow(closed);
  await expect(other.subscribeBatches('note', () => {})).rejects.toThrow(closed);
  await expect(other.changes('note').next()).rejects.toThrow(closed);
  await expect(other.mirror('note')).rejects.toThrow(closed);
  await expect(other.list()).rejects.toThrow(closed);
  await expect(other.deadLetters('x')).rejects.toThrow(closed);
  await expect(other.replayDeadLetters('x')).rejects.toThrow(closed);
  await expect(other.discardDeadLetters('x')).rejects.toThrow(closed);
  await expect(other.forget('x')).rejects.toThrow(closed);
  await expect(subscription.lag()).rejects.toThrow(/this subscription is closed/);
  await other.close();
});
