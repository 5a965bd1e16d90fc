import { once } from 'node:events';
import { internalsOf } from '@intendant/core/internal';
import { atScale, isOnCitus, isSoak, withClient } from '@intendant/devdb/testing';
import pg from 'pg';
import { expect, test } from 'vitest';
import { on } from '../index.ts';
import { type Fixture, openFixture, pepsi, vm } from '../testing/fixture.ts';
import { leaveLockOutOfFunctions, leaveOutLock } from '../testing/lockless.ts';
import { startProcess } from '../testing/processes.ts';
import { gate, untilWaitingForLock } from '../testing/waiting.ts';

/*
 * Several processes persist, mark, delete and re-create over few resources and many points, while a checker takes one
 * snapshot after the other and holds each against the rules. The same check must find fault with a build that leaves the
 * lock out.
 */

const OPERATIONS = atScale(300, 100_000);
const PROCESSES = 3;
const POINTS = Array.from({ length: 8 }, (_, index) => `P${index}`);

/** One statement, so one snapshot: what breaks a rule in it. */
const VIOLATIONS = `
  select o.id, o.realization_status, o.resource_revision, r.revision, s.*
  from overall_status_vm o
  left join vm r on r.org_id = o.org_id and r.id = o.id
  cross join lateral (
    select coalesce(max(e.realization_status) filter (
        where not (r.revision is not null and r.deleted_at is null and e.realization_status in (100, 300, 400))
      ), max(e.realization_status)) as heaviest,
      count(*) filter (where e.resource_revision <> o.resource_revision) as astray,
      count(*) filter (where e.realization_status not in (100, 300, 400)) as kept
    from enforcement_status_vm e where e.org_id = o.org_id and e.id = o.id
  ) s
  where o.resource_revision <> coalesce(r.revision, o.resource_revision)
    or s.astray > 0
    or o.realization_status <> coalesce(s.heaviest, case
        when r.revision is null then 100 when r.deleted_at is null then 800 else 400 end)
      -- an intent that is placed nowhere is PENDING while something is still being removed, and REALIZED when nothing is
      and not (r.revision is not null and r.deleted_at is null and s.kept = 0
        and (o.realization_status = 800 or o.realization_status = 200 and coalesce(s.heaviest, 100) = 100))
      -- and it is gone as soon as it is deleted
      and not (r.deleted_at is not null and s.heaviest is null and o.realization_status = 100)`;

const ORPHANS = `
  select e.id from enforcement_status_vm e
  where not exists (select from overall_status_vm o where o.org_id = e.org_id and o.id = e.id)`;

/**
 * On Citus records and statuses have no common snapshot, so nothing may change them meanwhile: a writer has the lock of an
 * overall row until both are committed, and a new resource needs a new overall row.
 */
const HOLD_WRITERS = isOnCitus() ? 'lock table overall_status_vm in exclusive mode' : 'select';

/** What breaks a rule at one moment. */
async function violationsNow(admin: pg.Client): Promise<unknown[]> {
  await admin.query(`begin; ${HOLD_WRITERS}`);
  const { rows } = await admin.query(VIOLATIONS);
  const { rows: orphans } = await admin.query(ORPHANS);
  await admin.query('commit');
  return [...rows, ...orphans];
}

interface Checked {
  readonly violations: unknown[];
  readonly snapshots: number;
}

async function checkWhile(fixture: Fixture): Promise<Checked> {
  const admin = new pg.Client(fixture.adminUrl);
  await admin.connect();
  const seed = Math.floor(Math.random() * 1e9);
  const processes = await Promise.all(
    Array.from({ length: PROCESSES }, (_, index) =>
      startProcess('./operations-process.ts', fixture, {
        OPERATIONS: String(OPERATIONS / PROCESSES),
        SEED: String(seed + index),
      }),
    ),
  );
  let running = processes.length;
  const exits = processes.map(async (child) => {
    // A process may have ended before the last of them was ready.
    const code: number = child.exitCode ?? (await once(child, 'exit'))[0];
    running--;
    return code;
  });
  const violations: unknown[] = [];
  let snapshots = 0;
  for (; running > 0 && violations.length === 0; snapshots++) {
    violations.push(...(await violationsNow(admin)));
  }
  if (violations.length > 0) for (const child of processes) child.kill();
  else expect(await Promise.all(exits), `seed ${seed}`).toEqual(processes.map(() => 0));
  await Promise.all(exits);
  await admin.end();
  return { violations: violations.map((violation) => ({ seed, violation })), snapshots };
}

async function realizeEverything(fixture: Fixture): Promise<void> {
  const r = fixture.realization.as(pepsi);
  const workers = POINTS.map((enforcementPoint) =>
    fixture.realization.worker({ enforcementPoint, handlers: [on(vm, { realize: async () => {} })] }),
  );
  await Promise.all(workers.map((worker) => worker.start()));
  for (const record of await fixture.store.as(pepsi).findMany(vm))
    await r.persistIntent(vm, record, { enforcementPoints: ['P0', 'P1'] });
  for (const { id } of await fixture.store.as(pepsi).findMany(vm))
    await r.waitFor(vm, id, { status: 'REALIZED', timeoutMs: 10_000 });
  await Promise.all(workers.map((worker) => worker.stop()));
}

test(
  'whatever several processes do to a few resources at once, every snapshot obeys the rules, and in the end all is realized',
  async () => {
    await using fixture = await openFixture();
    const { violations, snapshots } = await checkWhile(fixture);
    expect(violations).toEqual([]);
    expect(snapshots).toBeGreaterThan(10);
    await realizeEverything(fixture);
    if (isSoak) console.info({ operations: OPERATIONS, snapshots });
  },
  60_000 + OPERATIONS * 20,
);

/** Marks one resource at two points, the second while the first is not committed. Returns what breaks a rule then. */
async function violationsOfOverlappingMarks(fixture: Fixture): Promise<unknown[]> {
  const r = fixture.realization.as(pepsi);
  const { record } = await r.persistIntent(vm, { id: 'R0', name: '' }, { enforcementPoints: ['P0', 'P1'] });
  const marked = gate();
  const commit = gate();
  const first = fixture.store.as(pepsi).transaction(async (tx) => {
    await fixture.realization.in(tx).markSuccess(vm, record, 'P0');
    marked.open();
    await commit.opened;
  });
  await marked.opened;
  const second = r.markSuccess(vm, record, 'P1');
  await Promise.race([second, untilWaitingForLock(fixture.store)]);
  commit.open();
  await Promise.all([first, second]);
  return withClient(fixture.adminUrl, violationsNow);
}

test('the same check finds fault with marks that overlap in a build without the lock, and none with it', async () => {
  await using locking = await openFixture();
  expect(await violationsOfOverlappingMarks(locking)).toEqual([]);
  await using lockless = await openFixture();
  leaveOutLock(internalsOf(lockless.store));
  await leaveLockOutOfFunctions(lockless.adminUrl);
  expect(await violationsOfOverlappingMarks(lockless)).toHaveLength(1);
});
