import { eventually } from '@intendant/devdb/testing';
import { afterAll, expect, test } from 'vitest';
import { coke, openFixture, pepsi, vm } from '../testing/fixture.ts';
import type { MirrorEvent } from './mirror.ts';

const fixture = await openFixture();
const { subscriptions, store, admin } = fixture;
afterAll(() => fixture[Symbol.asyncDispose]());

test('a mirror lists the records, follows their changes, and shows only its tenant', async () => {
  const session = store.as(coke);
  await session.insert(vm, { id: 'listed', name: 'before' });
  await store.as(pepsi).insert(vm, { id: 'theirs', name: 'x' });
  await using mirror = await subscriptions.mirror(vm, { as: coke });
  await mirror.synced();
  expect(mirror.get({ id: 'listed' })?.name).toBe('before');
  const record = await session.find(vm, 'listed');
  await session.update(vm, { ...record, name: 'after' });
  await session.insert(vm, { id: 'followed', name: 'x' });
  await eventually(() => expect(mirror.get('followed')).toBeDefined());
  expect(mirror.get({ id: 'listed' })?.name).toBe('after');
  await session.softDelete(vm, 'listed');
  await eventually(() => expect(mirror.get({ id: 'listed' })).toBeUndefined());
  expect(mirror.find(({ orgId }) => orgId !== 'Coke')).toEqual([]);
  expect([...mirror.values()].map(({ id }) => id)).toEqual(['followed']);
});

test('listeners receive a record before and after its change', async () => {
  await using mirror = await subscriptions.mirror(vm, { as: coke });
  const events: MirrorEvent<{ name: string }>[] = [];
  const stop = mirror.on('change', (event) => events.push(event));
  const session = store.as(coke);
  const record = await session.insert(vm, { id: 'heard', name: 'one' });
  await eventually(() => expect(events).toHaveLength(1));
  await session.update(vm, { ...record, name: 'two' });
  await eventually(() => expect(events).toHaveLength(2));
  await session.delete(vm, 'heard');
  await eventually(() => expect(events).toHaveLength(3));
  expect(events.map(({ before, after }) => [before?.name, after?.name])).toEqual([
    [undefined, 'one'],
    ['one', 'two'],
    ['two', undefined],
  ]);
  expect(events[0]?.key).toEqual({ id: 'heard' });
  stop();
  await session.insert(vm, { id: 'unheard', name: 'x' });
  await eventually(() => expect(mirror.get('unheard')).toBeDefined());
  expect(events).toHaveLength(3);
});

test("a service's mirror distinguishes records of several tenants with one key", async () => {
  for (const context of [coke, pepsi]) await store.as(context).insert(vm, { id: 'both', name: context.orgId });
  await using mirror = await subscriptions.mirror(vm);
  expect(mirror.get({ id: 'both', orgId: 'Pepsi' })?.name).toBe('Pepsi');
  expect(mirror.find(({ id }) => id === 'both')).toHaveLength(2);
  await store.as(pepsi).delete(vm, 'both');
  await eventually(() => expect(mirror.get({ id: 'both', orgId: 'Pepsi' })).toBeUndefined());
  expect(mirror.get({ id: 'both' })?.orgId).toBe('Coke');
});

test('mirrors opened while a table is written to become equal to the table', async () => {
  const isWriting = new AbortController();
  const writing = (async () => {
    for (let round = 0; !isWriting.signal.aborted; round++)
      await admin.query(
        `insert into vm (org_id, instance_id, id, name) select 'Coke', 'Americas', 'w' || n, $1 from generate_series(1, 5) n
         on conflict (org_id, instance_id, id) do update set name = excluded.name`,
        [String(round)],
      );
  })();
  const mirrors = await Promise.all(Array.from({ length: 5 }, () => subscriptions.mirror(vm, { as: coke })));
  await admin.query(`delete from vm where id = 'w5'`);
  isWriting.abort();
  await writing;
  const expected = (await store.as(coke).findMany(vm)).map(({ id, name }) => `${id} ${name}`);
  for (const mirror of mirrors) {
    await eventually(() =>
      expect([...mirror.values()].map(({ id, name }) => `${id} ${name}`).toSorted()).toEqual(expected),
    );
    await mirror.close();
  }
});
