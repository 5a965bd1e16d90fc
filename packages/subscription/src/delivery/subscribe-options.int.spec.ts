import { eventually } from '@intendant/devdb/testing';
import { afterAll, expect, test } from 'vitest';
import { createSubscriptions } from '../create-subscriptions.ts';
import { coke, note, openFixture } from '../testing/fixture.ts';

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

test.each([
  ['a field that does not exist', { where: { colour: 'red' } }, /no field "colour"/],
  ['an undefined value', { where: { size: undefined } }, /compared with undefined/],
  ['an unknown comparison', { where: { size: { around: 3n } } }, /cannot be compared by "around"/],
  ['a value the column cannot hold', { where: { size: 'large' } }, /size/],
  ['no keys', { keys: [] }, /not an empty one/],
  ['a key of other fields', { keys: [{ name: 'x' }] }, /has the fields id/],
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
