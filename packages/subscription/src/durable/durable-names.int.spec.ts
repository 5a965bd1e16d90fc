import { NameForgottenError } from '@intendant/core';
import { eventually } from '@intendant/devdb/testing';
import { afterAll, expect, test } from 'vitest';
import type { Change } from '../change.ts';
import type { Subscription } from '../subscription.ts';
import { coke, note, openFixture, pepsi, vm } from '../testing/fixture.ts';
import type { DeadLetter } from './dead-letters.ts';

const fixture = await openFixture();
const { subscriptions, store, admin, writeNotes, terminateMembers } = fixture;
afterAll(() => fixture[Symbol.asyncDispose]());

const idsOf = (changes: readonly Change[]) => changes.map(({ key }) => String(key['id']));
const slow = { timeoutMs: 20_000 };

test("a name used for another table, or for another tenant's rows, is refused without telling whose", async () => {
  await (await subscriptions.subscribe('vm', () => {}, { name: 'owned', as: pepsi })).close();
  await expect(subscriptions.subscribe('note', () => {}, { name: 'owned', as: pepsi })).rejects.toThrow(
    /belongs to a subscription to public\.vm/,
  );
  const refusal = await subscriptions.subscribe('vm', () => {}, { name: 'owned', as: coke }).catch((error) => error);
  expect(String(refusal)).toMatch(/sees other rows/);
  expect(String(refusal)).not.toContain('Pepsi');
  await expect(subscriptions.subscribe('vm', () => {}, { name: 'owned' })).rejects.toThrow(/sees other rows/);
});

test('a name with members is not forgotten unless forced, and then its members end with an error', async () => {
  const other = await fixture.another();
  const told: Error[] = [];
  const options = { name: 'doomed', onError: (error: Error) => told.push(error) };
  const members = [
    await subscriptions.subscribe('note', () => {}, options),
    await other.subscribe('note', () => {}, options),
  ];
  const [one, two] = members as [Subscription, Subscription];
  await eventually(() => expect([one.stats().slots, two.stats().slots]).toEqual([16, 16]), slow);
  await expect(subscriptions.forget('doomed')).rejects.toMatchObject({
    code: 'NAME_IN_USE',
    message: /^forget: 2 subscriptions work under the name "doomed"/,
  });
  expect(one.error).toBeUndefined();
  expect(await other.forget('doomed', { force: true })).toBe(true);
  await expect(one.closed).rejects.toThrow(NameForgottenError);
  await expect(two.closed).rejects.toThrow(/"doomed" was removed with forget\(\) while this subscription was running/);
  await eventually(() => expect(told).toHaveLength(2));
  expect(one.error).toMatchObject({ code: 'NAME_FORGOTTEN', details: { name: 'doomed', table: 'note' } });
  await expect(one.lag()).rejects.toThrow(NameForgottenError);
  await Promise.all(members.map((member) => member.close()));
  expect(subscriptions.stats().subscriptions).toEqual([]);
});

test('a member of a forgotten name changes nothing of a new name with the same text', async () => {
  const started = Promise.withResolvers<void>();
  const go = Promise.withResolvers<void>();
  const old = await subscriptions.subscribe(
    note,
    async ({ key }, { ack }) => {
      if (key['id'] !== 'reborn') return;
      started.resolve();
      await go.promise;
      await store.as(coke).transaction((tx) => ack(tx));
    },
    { name: 'reborn', maxAttempts: 1 },
  );
  await writeNotes('reborn');
  await started.promise;
  await subscriptions.forget('reborn', { force: true });
  const other = await fixture.another();
  const seen: Change[] = [];
  const from = old.position;
  const young = await other.subscribe(note, (change) => seen.push(change), { name: 'reborn', from });
  go.resolve();
  await expect(old.closed).rejects.toThrow(NameForgottenError);
  await old.close();
  await eventually(() => expect(idsOf(seen)).toContain('reborn'), slow);
  expect(await subscriptions.deadLetters('reborn')).toEqual([]);
  await young.close();
});

test('a member that connects again finds its name forgotten, and ends', async () => {
  const member = await subscriptions.subscribe('note', () => {}, { name: 'gone-meanwhile' });
  await admin.query(`delete from intendant.durable_subscription where name = 'gone-meanwhile'`);
  await terminateMembers();
  await expect(member.closed).rejects.toThrow(NameForgottenError);
});

test('durable names are listed with their table, tenant, members, place, lag and dead letters', async () => {
  const idle = await subscriptions.subscribe('note', () => {}, { name: 'idle', as: coke });
  await idle.close();
  const broken = await subscriptions.subscribe(
    'vm',
    () => {
      throw new Error('no');
    },
    { name: 'broken', maxAttempts: 1 },
  );
  await writeNotes('l1', 'l2');
  await store.as(coke).insert(vm, { id: 'l3', name: 'x' });
  await store.as(pepsi).insert(vm, { id: 'l4', name: 'x' });
  const find = async (name: string) => (await subscriptions.list()).find((found) => found.name === name);
  await eventually(async () => expect(await find('broken')).toMatchObject({ deadLetters: 2, lag: 0 }));
  expect(await find('broken')).toMatchObject({ table: 'vm', orgId: null, instanceId: null, members: 1 });
  expect(await find('idle')).toMatchObject({ table: 'note', orgId: 'Coke', members: 0, lag: 2, deadLetters: 0 });
  expect(await find('idle')).toMatchObject({ position: idle.position });
  const beyond = async (numbers: number) => {
    const { rows } = await admin.query<{ seq: string }>(
      `insert into intendant.change_log (seq, table_name, operation, key, org_id)
       select seq + $1, 'public.note', 'i', '{far}', 'Coke' from intendant.cursor where name = 'idle' and slot = 0 returning seq`,
      [numbers],
    );
    const found = await find('idle');
    await admin.query('delete from intendant.change_log where seq = $1', [rows[0]?.seq]);
    return found?.lag;
  };
  expect(await beyond(150_000)).toBe(3);
  expect(await beyond(250_000)).toBe(2);
  const [first, ...rest] = await subscriptions.findDeadLetters({ table: vm });
  expect(rest).toHaveLength(1);
  expect(first).toMatchObject({ name: 'broken', position: first?.change.position });
  expect(await subscriptions.deadLetters('broken', { limit: 1, after: first as DeadLetter })).toEqual(rest);
  expect(await subscriptions.findDeadLetters({ table: 'note' })).toEqual([]);
  expect(await subscriptions.deadLetters('broken', { positions: [first?.position as string] })).toEqual([first]);
  await expect(subscriptions.deadLetters('broken', { limit: 0 })).rejects.toThrow('limit: expected a whole number');
  await broken.close();
});
