import type { DataStoreInternals, RegisteredTable } from '@intendant/core/internal';
import { expect, test } from 'vitest';
import { AnnouncementReceiver } from './announcement-receiver.ts';
import { Horizon } from './horizon.ts';
import { Tail } from './tail.ts';

const column = { field: 'id', name: 'id', format: { decode: String } };
const table = { schemaName: 'public', name: 'vm', key: [column], columns: [column] } as unknown as RegisteredTable;
const CHANGED_AT = 1_700_000_000_000;
const ofNoOrg = [null, null, null, null, '0', null];

/** A tail with a follower, the log it reads where it must, and how announcements come to it. */
function openTail() {
  const logged: number[] = [];
  let reads = 0;
  const run = async (_: unknown, { page }: { page: { values: string[] } }) => {
    reads++;
    const [after, until] = page.values.map(Number) as [number, number];
    const rows = logged
      .filter((sequence) => sequence > after && sequence <= until)
      .map((sequence) => [...['0', String(sequence), 'public.vm', 'i', `["${sequence}"]`], ...ofNoOrg, horizon.logId]);
    return { page: { rows: rows.length > 0 ? rows : [['0', ...Array(10).fill(null), horizon.logId]] } };
  };
  const horizon = new Horizon();
  const tail = new Tail({ executor: { run } } as unknown as DataStoreInternals, horizon);
  tail.join([table]);
  const { announced: receive, noticed } = new AnnouncementReceiver(horizon, tail).openSource();
  const announce = (after: number, settled: number, changes?: string) =>
    receive(`log ${after} ${settled} ${settled}${changes === undefined ? '' : `\n${changes}`}`);
  return {
    logged,
    tail,
    receive,
    announce,
    horizon,
    /** A writer's notice of its own change. */
    notice: (number: number, logId = 'log') =>
      noticed(
        `${logId} ${number - 1} ${number} ${number}\n${JSON.stringify([[number, 'public.vm', 'i', [String(number)], null, null, null, null, CHANGED_AT]])}`,
      ),
    reads: () => reads,
    /** An announcement that carries these numbers' changes. */
    carry: (after: number, settled: number, ...sequences: number[]) =>
      announce(
        after,
        settled,
        JSON.stringify(sequences.map((n) => [n, 'public.vm', 'i', [String(n)], null, null, null, null, CHANGED_AT])),
      ),
    found: async (position: number) => {
      const { changes = [], through } = (await tail.after(position)) ?? {};
      return { found: changes.map(({ sequence }) => sequence), through };
    },
  };
}

test('changes that announcements carry are found without reading the log', async () => {
  const { carry, found, reads } = openTail();
  carry(0, 3, 2, 3);
  carry(3, 4);
  carry(4, 5, 5);
  expect(await found(0)).toEqual({ found: [2, 3, 5], through: 5 });
  expect(await found(3)).toEqual({ found: [5], through: 5 });
  expect(reads()).toBe(0);
});

test('after an announcement that carries nothing, or one that was lost, the log is read once, and later ones follow on', async () => {
  const { announce, carry, found, logged, reads } = openTail();
  carry(0, 1, 1);
  logged.push(1, 2, 3, 4);
  announce(1, 3);
  carry(3, 4, 4);
  expect(await found(1)).toEqual({ found: [2, 3, 4], through: 4 });
  expect(reads()).toBe(1);
  carry(4, 6, 6);
  expect(await found(4)).toEqual({ found: [6], through: 6 });
  expect(reads()).toBe(1);
});

test('an announcement that comes during a read, or twice, leaves each change once', async () => {
  const { announce, carry, found, logged } = openTail();
  carry(0, 1, 1);
  logged.push(1, 2);
  announce(1, 2);
  const reading = found(1);
  carry(1, 2, 2);
  carry(2, 3, 3);
  carry(2, 3, 3);
  await reading;
  expect(await found(1)).toEqual({ found: [2, 3], through: 3 });
});

test('the log is read for an announcement that cannot be parsed, and an invalid one changes nothing', async () => {
  const { announce, receive, found, logged } = openTail();
  logged.push(1);
  announce(0, 1, '[[1, "public.vm"');
  receive('');
  receive('nonsense\n[]');
  expect(await found(0)).toEqual({ found: [1], through: 1 });
});

test('changes announced for a replaced log are not mixed with earlier ones', async () => {
  const { carry, found, receive, logged } = openTail();
  carry(0, 5, 5);
  logged.push(2);
  receive('other 0 2 2\n[]');
  expect(await found(0)).toEqual({ found: [2], through: 2 });
});

test("a writer's change is found at once, and one with a later number when those before it have come", async () => {
  const { announce, notice, horizon, found, reads, carry } = openTail();
  announce(0, 4);
  await found(0);
  const before = reads();
  notice(5);
  notice(7);
  notice(8);
  notice(9, 'another');
  expect(horizon.settled).toBe(5);
  expect(await found(4)).toEqual({ found: [5], through: 5 });
  notice(6);
  expect(await found(5)).toEqual({ found: [6, 7, 8], through: 8 });
  notice(10);
  carry(8, 9); // Number 9 was rolled back.
  expect(await found(8)).toEqual({ found: [10], through: 10 });
  expect(reads()).toBe(before);
});
