import { eventually } from '@intendant/devdb/testing';
import { afterAll, expect, test } from 'vitest';
import type { Change } from '../change.ts';
import { coke, effect, note, openFixture, pepsi, vm } from '../testing/fixture.ts';

const fixture = await openFixture();
const { subscriptions, store, admin, another, writeNotes, writeTrimmedNote, terminateMembers } = fixture;
afterAll(() => fixture[Symbol.asyncDispose]());

const idsOf = (changes: readonly Change[]) => changes.map(({ key }) => String(key['id']));
const numbered = (prefix: string, count: number) => Array.from({ length: count }, (_, index) => `${prefix}${index}`);
const slow = { timeoutMs: 20_000 };

test('processes that share a name share its work, and each change reaches one of them', async () => {
  const other = await fixture.another();
  const [here, there]: [Change[], Change[]] = [[], []];
  const one = await subscriptions.subscribe('note', (change) => here.push(change), { name: 'shared' });
  const two = await other.subscribe('note', (change) => there.push(change), { name: 'shared' });
  await eventually(() => expect([one.stats().slots, two.stats().slots]).toEqual([16, 16]), slow);
  const ids = numbered('shared', 60);
  await writeNotes(...ids);
  await eventually(() => expect([...idsOf(here), ...idsOf(there)].toSorted()).toEqual(ids.toSorted()), slow);
  expect(here.length).toBeGreaterThan(10);
  expect(there.length).toBeGreaterThan(10);
  await eventually(async () => expect(await one.lag()).toBe(0));
  await two.close();
  await eventually(() => expect(one.stats().slots).toBe(32), slow);
  await one.close();
});

test('a member whose connection dies is replaced, and nothing is lost nor out of order for its row', async () => {
  const other = await fixture.another();
  const seen = new Map<string, number[]>();
  const handler = ({ key, revision }: Change) => {
    const id = String(key['id']);
    seen.set(id, [...(seen.get(id) ?? []), revision as number]);
  };
  const options = { name: 'replaced', concurrency: 4 };
  const members = [
    await subscriptions.subscribe('note', handler, options),
    await other.subscribe('note', handler, options),
  ];
  const ids = numbered('replaced', 10);
  await writeNotes(...ids);
  for (let round = 0; round < 4; round++) {
    await admin.query(`update note set size = size + 1 where id like 'replaced%'`);
    await terminateMembers();
  }
  await eventually(() => expect(ids.map((id) => seen.get(id)?.at(-1))).toEqual(ids.map(() => 5)), slow);
  for (const revisions of seen.values()) {
    const first = [...new Set(revisions)];
    expect(first).toEqual([1, 2, 3, 4, 5]);
  }
  await Promise.all(members.map((member) => member.close()));
});

test('the cursor is kept in the database, moves after the handler, and is where the next one begins', async () => {
  const first: string[] = [];
  const one = await subscriptions.subscribe('note', ({ key }) => first.push(String(key['id'])), { name: 'kept' });
  await writeNotes('k1');
  await eventually(() => expect(first).toEqual(['k1']));
  await one.close();
  await writeNotes('k2', 'k3');
  const second: string[] = [];
  const two = await subscriptions.subscribe('note', ({ key }) => second.push(String(key['id'])), { name: 'kept' });
  await eventually(() => expect(second).toEqual(['k2', 'k3']));
  expect(await two.lag()).toBe(0);
  two.pause();
  await writeNotes('k4');
  await eventually(async () => expect(await two.lag()).toBe(1));
  await two.close();
});

test('a change acknowledged in the handler’s transaction takes effect once, also if it is delivered several times', async () => {
  await store.as(coke).insert(effect, { id: 'acked', count: 0 });
  let calls = 0;
  const subscription = await subscriptions.subscribe(
    'note',
    async (_, { ack }) => {
      calls++;
      await store.as(coke).transaction(async (tx) => {
        const record = await tx.find(effect, 'acked');
        await tx.update(effect, { ...record, count: record.count + 1 });
        await ack(tx);
      });
      if (calls % 2 === 1) throw new Error('after the commit');
      if (calls === 2) await terminateMembers();
    },
    { name: 'exactly-once' },
  );
  await writeNotes(...numbered('acked', 6));
  const count = async () => (await store.as(coke).find(effect, 'acked')).count;
  await eventually(async () => expect(await count()).toBe(6), slow);
  await eventually(async () => expect(await subscription.lag()).toBe(0), slow);
  expect(await count()).toBe(6);
  await subscription.close();
});

test('an acknowledgement that is rolled back counts for nothing', async () => {
  const attempts: number[] = [];
  const subscription = await subscriptions.subscribe(
    'note',
    async (_, { ack, attempt }) => {
      attempts.push(attempt);
      await store.as(coke).transaction(async (tx) => {
        await ack(tx);
        if (attempt < 3) throw new Error('undone');
      });
    },
    { name: 'undone', backoffMs: 1 },
  );
  await writeNotes('undone');
  await eventually(() => expect(attempts).toEqual([1, 2, 3]));
  await eventually(async () => expect(await subscription.lag()).toBe(0));
  await subscription.close();
});

test('a change that keeps failing becomes a dead letter, is listed, and is delivered again on replay', async () => {
  let isBroken = true;
  const done: string[] = [];
  const handler = ({ key }: Change) => {
    if (isBroken && key['id'] === 'poison') throw new Error('cannot digest this');
    done.push(String(key['id']));
  };
  const subscription = await subscriptions.subscribe('note', handler, {
    name: 'letters',
    maxAttempts: 3,
    backoffMs: 1,
  });
  await writeNotes('before', 'poison', 'after');
  await eventually(() => expect(done).toEqual(['before', 'after']));
  const [letter] = await subscriptions.deadLetters('letters');
  await expect(subscriptions.deadLetters({ name: 'letters' } as never)).rejects.toThrow(
    'deadLetters: name must be a string',
  );
  expect(letter).toMatchObject({ attempts: 3, error: 'cannot digest this', isDue: false });
  expect(letter?.change).toMatchObject({
    operation: 'insert',
    key: { id: 'poison' },
    orgId: 'Coke',
    record: { size: 1n },
  });
  expect(await subscription.lag()).toBe(0);
  expect(subscription.stats()).toMatchObject({ deadLetters: 1, delivered: 2 });
  expect(await subscriptions.replayDeadLetters('letters')).toBe(1);
  await eventually(
    async () => expect((await subscriptions.deadLetters('letters'))[0]).toMatchObject({ attempts: 6 }),
    slow,
  );
  isBroken = false;
  const position = letter?.change.position as string;
  expect(await subscriptions.replayDeadLetters('letters', { positions: [position] })).toBe(1);
  await eventually(async () => expect(await subscriptions.deadLetters('letters')).toEqual([]), slow);
  expect(done).toEqual(['before', 'after', 'poison']);
  await subscription.close();
});

test('a replayed dead letter that cannot be decoded stays, and others are replayed', async () => {
  const failing = await subscriptions.subscribe('note', () => Promise.reject(new Error('no')), {
    name: 'undecodable-letters',
    maxAttempts: 1,
  });
  await writeNotes('undecodable', 'sound');
  await eventually(async () => expect(await subscriptions.deadLetters('undecodable-letters')).toHaveLength(2));
  await failing.close();
  await admin.query(
    `update intendant.dead_letter set record = record || '{"size": "not a number"}'
     where name = 'undecodable-letters' and key = '{undecodable}'`,
  );
  const seen: Change[] = [];
  await using _ = await subscriptions.subscribe('note', (change) => seen.push(change), { name: 'undecodable-letters' });
  expect(await subscriptions.replayDeadLetters('undecodable-letters')).toBe(2);
  await eventually(async () => {
    const letters = await subscriptions.deadLetters('undecodable-letters');
    expect(letters).toMatchObject([
      { isDue: false, error: expect.stringContaining('cannot be decoded'), change: { key: { id: 'undecodable' } } },
    ]);
  }, slow);
  expect(idsOf(seen)).toEqual(['sound']);
  await subscriptions.discardDeadLetters('undecodable-letters');
});

test('of a batch that keeps failing only the bad change becomes a dead letter', async () => {
  const done: string[] = [];
  const subscription = await subscriptions.subscribeBatches(
    'note',
    (changes) => {
      if (changes.some(({ key }) => key['id'] === 'bad')) throw new Error('bad');
      done.push(...changes.map(({ key }) => String(key['id'])));
    },
    { name: 'batches', maxAttempts: 2, backoffMs: 1 },
  );
  await admin.query(
    `insert into note (org_id, id, size) select 'Coke', id, 1 from unnest(array['good1', 'bad', 'good2']) id`,
  );
  await eventually(() => expect(done.toSorted()).toEqual(['good1', 'good2']));
  await eventually(async () => expect(await subscriptions.deadLetters('batches')).toHaveLength(1));
  expect(await subscriptions.discardDeadLetters('batches')).toBe(1);
  expect(await subscriptions.deadLetters('batches')).toEqual([]);
  await subscription.close();
});

test('a durable subscription of a tenant receives only its own changes, deletes included', async () => {
  const seen: Change[] = [];
  const subscription = await subscriptions.subscribe('vm', (change) => seen.push(change), { name: 'tenant', as: coke });
  for (const context of [pepsi, coke]) {
    await store.as(context).insert(vm, { id: 'secret', name: 'x' });
    await store.as(context).delete(vm, 'secret');
  }
  await eventually(() => expect(seen.map(({ operation }) => operation)).toEqual(['insert', 'delete']));
  expect(seen.every(({ orgId }) => orgId === 'Coke')).toBe(true);
  await subscription.close();
});

test('a durable cursor that the log no longer reaches is reset, and a name can be forgotten', async () => {
  await (await subscriptions.subscribe('note', () => {}, { name: 'left-behind' })).close();
  await writeTrimmedNote('trimmed');
  const told: string[] = [];
  const subscription = await (await another()).subscribe('note', ({ key }) => told.push(String(key['id'])), {
    name: 'left-behind',
    onReset: () => told.push('reset'),
  });
  await eventually(() => expect(told).toEqual(['reset']));
  await writeNotes('kept');
  await eventually(() => expect(told).toEqual(['reset', 'kept']));
  await subscription.close();
  expect(await subscriptions.forget('left-behind')).toBe(true);
  expect(await subscriptions.forget('left-behind')).toBe(false);
});

test('ack without a name is refused, and so are invalid limits', async () => {
  const subscribe = (options: object) => subscriptions.subscribe('note', () => {}, options);
  await expect(subscribe({ name: '' })).rejects.toThrow(/name must be/);
  await expect(subscribe({ concurrency: 0 })).rejects.toThrow(/concurrency: expected a whole number/);
  await expect(subscribe({ maxAttempts: 3 })).rejects.toThrow(/maxAttempts needs a name/);
  let refusal: unknown;
  const subscription = await subscriptions.subscribe(note, async (_, { ack }) => {
    await store
      .as(coke)
      .transaction((tx) => ack(tx))
      .catch((error) => {
        refusal = error;
      });
  });
  await writeNotes('unnamed');
  await eventually(() => expect(String(refusal)).toMatch(/only a durable subscription/));
  await subscription.close();
});
