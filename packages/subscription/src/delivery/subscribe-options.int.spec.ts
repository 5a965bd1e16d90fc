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
    labels: z.array(z.string()),
    text: z.string(),
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
  await collect('a list', { where: { labels: ['a', 'b'] } });
  await collect('another order', { where: { labels: ['b', 'a'] } });
  await collect('an object alone', { where: { tags: { b: 2, a: 1 } } });
  await collect('one of two objects', { where: { tags: { in: [{ c: 3 }, { a: 1, b: 2 }] } } });
  await collect('text after U+FFFD', { where: { text: { gt: '\uFFFD' } } });
  await collect('the key of Pepsi', { keys: [{ id, orgId: 'Pepsi' }] });
  await collect('the key of Coke', { keys: [{ id, orgId: 'Coke' }] });
  await collect('bytes below 9', { where: { bytes: { lt: new Uint8Array([9]) } } });
  const session = fixture.store.as(coke);
  await session.insert(sample, {
    id,
    level: 0,
    bytes: new Uint8Array([10]),
    tags: { a: 1, b: 2 },
    labels: ['a', 'b'],
    text: '😀',
  });
  await fixture.admin.query(`update sample set level = 'NaN'`);
  await session.delete(sample, id);
  const matching = [
    'a date as key',
    'an object',
    'a list',
    'an object alone',
    'one of two objects',
    'text after U+FFFD',
  ];
  const ofAll = [...matching, 'the key of Coke'].flatMap((name) =>
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
  ['an empty list', { where: { size: [] } }, /empty list/],
  ['a value where a list is expected', { where: { size: { in: 3n } } }, /takes a list/],
  ['no comparison', { where: { size: {} } }, /empty object/],
  ["another tenant's org", { as: coke, where: { orgId: 'Pepsi' } }, /org Coke and has no access to org Pepsi/],
  ["a list with another tenant's org", { as: coke, where: { orgId: ['Coke', 'Pepsi'] } }, /no access to org Pepsi/],
  ["another tenant's key", { as: coke, keys: [{ id: 'x', orgId: 'Pepsi' }] }, /no access to org Pepsi/],
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
  ['maxAttempts', '3'],
  ['onReset', 'reset'],
  ['onError', {}],
])('a subscription with %s %s is refused by name', async (name, value) => {
  const subscribing = subscriptions.subscribe('note', () => {}, { [name]: value });
  await expect(subscribing).rejects.toMatchObject({ code: 'CONFIGURATION', details: { option: name } });
});

test.each([
  ['retentionMs', 0],
  ['retentionMs', Number.NaN],
  ['partitionSize', 0],
  ['partitionSize', Number.POSITIVE_INFINITY],
  ['relay', 'no'],
  ['records', 'vm'],
  ['records', [7]],
  ['logger', 'pino'],
])('a feed with %s %s is refused by name', async (name, value) => {
  const creating = createSubscriptions({ store: fixture.store, [name]: value });
  await expect(creating).rejects.toMatchObject({ code: 'CONFIGURATION', details: { option: name } });
});

test('null is not taken for the default, in any option', async () => {
  const refused = (calling: Promise<unknown>) => expect(calling).rejects.toMatchObject({ code: 'CONFIGURATION' });
  const withNull = (option: string) => ({ [option]: null }) as never;
  for (const option of ['from', 'name', 'operations', 'onReset', 'onError', 'signal', 'concurrency', 'backoffMs'])
    await refused(subscriptions.subscribe('note', () => {}, withNull(option)));
  await refused(subscriptions.subscribeBatches('note', () => {}, withNull('batchSize')));
  await refused(subscriptions.subscribe('note', () => {}, { name: 'x', maxAttempts: null as never }));
  await refused(subscriptions.mirror('note', withNull('onChange')));
  for (const option of ['name', 'table', 'positions', 'after', 'limit'])
    await refused(subscriptions.findDeadLetters(withNull(option)));
  await refused(subscriptions.replayDeadLetters('x', withNull('positions')));
  await refused(subscriptions.forget('x', withNull('force')));
  for (const option of ['connection', 'records', 'retentionMs', 'source', 'relay', 'logger'])
    await refused(createSubscriptions({ ...(withNull(option) as object), store: fixture.store }));
});

test('options that contradict each other are refused', async () => {
  const { store } = fixture;
  const shrinking = subscriptions.subscribe('note', () => {}, { backoffMs: 100, maxBackoffMs: 10 });
  await expect(shrinking).rejects.toThrow('maxBackoffMs (10) must not be less than backoffMs (100)');
  if (sourceThere.source === 'replication') return;
  const unused = createSubscriptions({ store, replicationConnection: fixture.database.adminUrl });
  await expect(unused).rejects.toThrow(/replicationConnection is used only with source: 'replication'/);
});

test('a feed that cannot connect fails with a ConnectionError', async () => {
  const creating = createSubscriptions({
    store: fixture.store,
    connection: 'postgres://nobody@127.0.0.1:1/nowhere',
    ...sourceThere,
  });
  await expect(creating).rejects.toMatchObject({ code: 'CONNECTION', message: /createSubscriptions/ });
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

test('neither a closed durable subscription nor one that is opened during close leaves a session behind', async () => {
  const sessions = async () => {
    const { rows } = await fixture.admin.query<{ count: number }>(
      `select count(*)::int from pg_stat_activity where datname = current_database() and application_name = 'intendant member'`,
    );
    return rows[0]?.count;
  };
  const durable = await subscriptions.subscribe('note', () => {}, { name: 'for a moment' });
  await eventually(async () => expect(await sessions()).toBe(1));
  await durable.close();
  const { store } = fixture;
  const other = await createSubscriptions({ store, ...sourceThere });
  const opening = Array.from({ length: 3 }, (_, index) => other.subscribe('note', () => {}, { name: `late ${index}` }));
  await Promise.all([Promise.allSettled(opening), other.close()]);
  // Within less than 8 s: after that the server itself ends a session that sends nothing, which would hide the fault.
  await eventually(async () => expect(await sessions()).toBe(0), { timeoutMs: 6_000 });
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
