import { eventually } from '@intendant/devdb/testing';
import { expect, test } from 'vitest';
import { internalsOf } from '../internal.ts';
import type { FeedUnderTest } from './feed-under-test.ts';
import { brief, coke, note } from './fixture.ts';

/** Positions, loops, durable names and failing handlers. */
export function subscriptionCases({ store, subscriptions, collect }: FeedUnderTest): void {
  test('a position can be kept and resumed from, and operations chosen', async () => {
    const { seen, subscription } = await collect('note', { operations: ['insert'] });
    const session = store.as(coke);
    for (const id of ['p1', 'p2']) await session.insert(note, { id, size: 1n });
    await session.delete(note, 'p1');
    await eventually(() => expect(seen.map(brief)).toEqual(['insert p1', 'insert p2']));
    await subscription.close();
    const resumed = await collect('note', { from: seen[0]?.position });
    await eventually(() => expect(resumed.seen.map(brief)).toEqual(['insert p2', 'delete p1']));
    await resumed.subscription.close();
  });

  test('a loop over changes ends with its signal', async () => {
    const stop = new AbortController();
    const ids: string[] = [];
    const iteration = (async () => {
      for await (const change of subscriptions.changes(note, { signal: stop.signal })) {
        ids.push(change.key.id); // Typed, because the table is given by its definition.
        if (ids.includes('loop-last')) stop.abort();
      }
    })();
    const session = store.as(coke);
    for (let index = 0; ids.length === 0; index++) {
      await session.insert(note, { id: `loop-${index}`, size: 1n });
      await new Promise(setImmediate);
    }
    await session.insert(note, { id: 'loop-last', size: 1n });
    await iteration;
    expect(ids.at(-1)).toBe('loop-last');
  });

  test('a handler that throws is called again with the same change, and nothing is skipped', async () => {
    const calls: unknown[] = [];
    const subscription = await subscriptions.subscribe('note', ({ key }) => {
      calls.push(key['id']);
      if (calls.length < 3) throw new Error('not yet');
    });
    await store.as(coke).insert(note, { id: 'r1', size: 1n });
    await store.as(coke).insert(note, { id: 'r2', size: 1n });
    await eventually(() => expect(calls).toEqual(['r1', 'r1', 'r1', 'r2']));
    await subscription.close();
  });

  test('a durable subscription continues where it stopped', async () => {
    const first = await collect('note', { name: 'billing' });
    await store.as(coke).insert(note, { id: 'd1', size: 1n });
    await eventually(() => expect(first.seen.map(brief)).toEqual(['insert d1']));
    await eventually(async () => expect(await first.subscription.lag()).toBe(0));
    await first.subscription.close();
    await store.as(coke).insert(note, { id: 'd2', size: 1n });
    const second = await collect('note', { name: 'billing' });
    await eventually(() => expect(second.seen.map(brief)).toEqual(['insert d2']));
    await second.subscription.close();
  });

  test('a change acknowledged in the handler’s transaction is completed, although the handler fails afterwards', async () => {
    const calls: unknown[] = [];
    const subscription = await subscriptions.subscribe(
      'note',
      async ({ key }, { ack }) => {
        calls.push(key['id']);
        await store.as(coke).transaction((tx) => ack(tx));
        throw new Error('after the commit');
      },
      { name: 'acknowledging', backoffMs: 1 },
    );
    for (const id of ['a1', 'a2', 'a3']) await store.as(coke).insert(note, { id, size: 1n });
    await eventually(() => expect(calls).toEqual(['a1', 'a2', 'a3']));
    await eventually(async () => expect(await subscription.lag()).toBe(0));
    await subscription.close();
  });

  test('of two subscriptions with one name one works, and the other takes over when it closes', async () => {
    const one = await collect('note', { name: 'shared' });
    await store.as(coke).insert(note, { id: 's1', size: 1n });
    await eventually(() => expect(one.seen).toHaveLength(1));
    const two = await collect('note', { name: 'shared' });
    await one.subscription.close();
    await store.as(coke).insert(note, { id: 's2', size: 1n });
    await eventually(() => expect(two.seen.map(brief)).toContain('insert s2'));
    expect(one.seen).toHaveLength(1);
    await two.subscription.close();
  });

  test('listeners inside the process receive settled changes', async () => {
    const heard: string[] = [];
    const stop = await internalsOf(subscriptions).onSettledChanges(['vm', 'note'], {
      onChanges: (changes) => heard.push(...changes.map(brief)),
    });
    await store.as(coke).insert(note, { id: 'heard', size: 1n });
    await eventually(() => expect(heard).toEqual(['insert heard']));
    stop();
  });
}
