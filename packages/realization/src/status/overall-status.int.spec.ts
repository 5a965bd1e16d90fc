import { internalsOf } from '@intendant/core/internal';
import { atScale } from '@intendant/devdb/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Fixture, openFixture, pepsi, vm } from '../testing/fixture.ts';
import { leaveLockOutOfFunctions, leaveOutLock } from '../testing/lockless.ts';
import { gate, untilWaitingForLock } from '../testing/waiting.ts';

const RESOURCES = atScale(60, 1_000);

let fixture: Fixture;
beforeAll(async () => {
  fixture = await openFixture();
});
afterAll(() => fixture[Symbol.asyncDispose]());

const persist = async (id: string) =>
  (await fixture.realization.as(pepsi).persistIntent(vm, { id, name: id }, { enforcementPoints: ['E1', 'E2'] })).record;

const statusOf = (id: string) => fixture.realization.as(pepsi).getOverallStatus(vm, id);

/** Marks success at one point and keeps the transaction open until the gate opens. */
function holdSuccess(record: { id: string; revision: number }, point: string) {
  const marked = gate();
  const release = gate();
  const done = fixture.store.as(pepsi).transaction(async (tx) => {
    await fixture.realization.in(tx).markSuccess(vm, record, point);
    marked.open();
    await release.opened;
  });
  return { marked: marked.opened, release: release.open, done };
}

for (const [held, other] of [
  ['E1', 'E2'],
  ['E2', 'E1'],
] as const) {
  test(`two points that finish together leave the resource REALIZED when ${held} is slow to commit`, async () => {
    const record = await persist(`held-${held}`);
    const first = holdSuccess(record, held);
    await first.marked;
    const second = fixture.realization.as(pepsi).markSuccess(vm, record, other);
    await untilWaitingForLock(fixture.store);
    expect(await statusOf(record.id)).toBe('PENDING');
    first.release();
    await Promise.all([first.done, second]);
    expect(await statusOf(record.id)).toBe('REALIZED');
  });
}

test('the mark of a point that finishes while an intent commits is refused, not lost', async () => {
  const record = await persist('moving');
  const persisted = gate();
  const release = gate();
  const intent = fixture.store.as(pepsi).transaction(async (tx) => {
    await fixture.realization.in(tx).persistIntent(vm, { ...record, name: 'two' });
    persisted.open();
    await release.opened;
  });
  await persisted.opened;
  const late = fixture.realization.as(pepsi).markSuccess(vm, record, 'E1');
  const refused = expect(late).rejects.toThrow('revision 1 is stale');
  await untilWaitingForLock(fixture.store);
  release.open();
  await Promise.all([intent, refused]);
  expect(await statusOf(record.id)).toBe('PENDING');
});

test('sets of resources that overlap in opposite order do not deadlock', async () => {
  const r = fixture.realization.as(pepsi);
  const records = await Promise.all(Array.from({ length: 20 }, (_, index) => persist(`set-${index}`)));
  const rounds = Array.from({ length: 20 }, (_, round) => (round % 2 === 0 ? records : records.toReversed()));
  await Promise.all(rounds.map((set, round) => r.markInProgress(vm, set, `P${round}`)));
  const { enforcement } = await r.getOverallStatusWithEnforcementDetails(vm, 'set-7');
  expect(enforcement.size).toBe(22);
});

test('pending marks that wait for a resource that is not there yet hold no other one', async () => {
  const r = fixture.realization.as(pepsi);
  const unknown = { id: 'order-a', revision: 1 };
  const known = await persist('order-b');
  const marked = gate();
  const release = gate();
  const first = fixture.store.as(pepsi).transaction(async (tx) => {
    await fixture.realization.in(tx).markDeletionPending(vm, unknown, 'E1');
    marked.open();
    await release.opened;
  });
  await marked.opened;
  const second = r.markDeletionPending(vm, [known, unknown], 'E2');
  await untilWaitingForLock(fixture.store);
  await internalsOf(fixture.store).withAdmin((client) =>
    client.query("select from public.overall_status_vm where id = 'order-b' for no key update nowait"),
  );
  release.open();
  await Promise.all([first, second]);
  expect(await statusOf('order-a')).toBe('DELETION_PENDING');
});

test('sets of resources that are not there yet, marked in transactions in opposite order, do not deadlock', async () => {
  const all = Array.from({ length: 200 }, (_, index) => ({ id: `absent-${index}`, revision: 1 }));
  const mark = (index: number) =>
    fixture.store
      .as(pepsi)
      .transaction((tx) =>
        fixture.realization.in(tx).markDeletionPending(vm, index % 2 === 0 ? all : all.toReversed(), `P${index}`),
      );
  await Promise.all(Array.from({ length: 8 }, (_, index) => mark(index)));
  expect(await statusOf('absent-7')).toBe('DELETION_PENDING');
});

test.for([
  {
    verb: 'markPending',
    act: (...ids: string[]) => {
      const references = ids.map((id) => ({ id, revision: 1 }));
      const marking = fixture.realization.as(pepsi).markPending(vm, references, 'E2');
      return expect(marking).rejects.toMatchObject({ details: { refused: [{ key: { id: ids[1] } }] } });
    },
  },
  {
    verb: 'softDeleteMany',
    act: async (...ids: string[]) => {
      const { records } = await fixture.realization.as(pepsi).softDeleteMany(vm, ids);
      expect(records.map(({ id }) => id)).toEqual([ids[0], ids[2]]);
    },
  },
])('$verb does not wait for a resource that was created after its first lock', async ({ verb, act }) => {
  const [a, b, c] = ['a', 'b', 'c'].map((letter) => `${verb}-${letter}`) as [string, string, string];
  const { store, realization } = fixture;
  const first = await persist(a);
  await persist(c);
  const [isFirstLocked, commitFirst, isBetweenLocked, goOn] = [gate(), gate(), gate(), gate()];
  const holder = store.as(pepsi).transaction(async (tx) => {
    await realization.in(tx).markInProgress(vm, first, 'E1');
    isFirstLocked.open();
    await commitFirst.opened;
  });
  await isFirstLocked.opened;
  const set = act(a, b, c);
  await untilWaitingForLock(store);
  const between = await persist(b);
  const other = store.as(pepsi).transaction(async (tx) => {
    await realization.in(tx).markInProgress(vm, between, 'E1');
    isBetweenLocked.open();
    await goOn.opened;
    await realization.in(tx).persistIntent(vm, { id: c, name: 'again' }, { enforcementPoints: ['E1'] });
  });
  await isBetweenLocked.opened;
  commitFirst.open();
  await holder;
  await Promise.race([set, untilWaitingForLock(store)]);
  goOn.open();
  await Promise.all([set, other]);
});

/** Resources at four points, all marked at the same time over 16 connections: how many don't end REALIZED? */
async function wrongAfterTogether(store: Fixture, resources: number): Promise<number> {
  const r = store.realization.as(pepsi);
  const points = ['E1', 'E2', 'E3', 'E4'];
  const records = await Promise.all(
    Array.from({ length: resources }, (_, index) =>
      r.persistIntent(vm, { id: `together-${index}`, name: '' }, { enforcementPoints: points }),
    ),
  );
  await Promise.all(records.flatMap(({ record }) => points.map((point) => r.markSuccess(vm, record, point))));
  const statuses = await Promise.all(records.map(({ record }) => r.getOverallStatus(vm, record.id)));
  return statuses.filter((status) => status !== 'REALIZED').length;
}

test('many points that finish together leave every resource REALIZED', async () => {
  await using own = await openFixture({ poolSize: 16 });
  expect(await wrongAfterTogether(own, RESOURCES)).toBe(0);
});

test('the same check finds stuck resources when there is no lock', async () => {
  await using own = await openFixture({ poolSize: 16 });
  leaveOutLock(internalsOf(own.store));
  await leaveLockOutOfFunctions(own.adminUrl);
  expect(await wrongAfterTogether(own, RESOURCES)).toBeGreaterThan(0);
});
