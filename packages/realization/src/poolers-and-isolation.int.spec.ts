import { eventually, whyNoPgBouncer } from '@intendant/devdb/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { on } from './index.ts';
import { coke, type Fixture, openFixture, pepsi, vm } from './testing/fixture.ts';
import { statusLine } from './testing/statuses.ts';

const LIMIT = { timeoutMs: 20_000 };

const ways = [
  { isolation: 'serializable', isPooled: false },
  { isolation: 'serializable', isPooled: true },
  { isolation: 'repeatable read', isPooled: true },
];

describe.each(ways)(
  '$isolation as the default of the database, through PgBouncer: $isPooled',
  ({ isolation, isPooled }) => {
    const reason = isPooled ? whyNoPgBouncer() : undefined;

    describe.skipIf(reason)(reason ? `skipped: ${reason}` : 'all holds', () => {
      let fixture: Fixture;
      beforeAll(async () => {
        fixture = await openFixture({ isPooled, presets: { default_transaction_isolation: isolation } });
      });
      afterAll(() => fixture?.[Symbol.asyncDispose]());

      test('many intents and marks of one resource at once all succeed, and agree in the end', async () => {
        const r = fixture.realization.as(pepsi);
        const at = { enforcementPoints: ['P1', 'P2', 'P3'] };
        const intents = Array.from({ length: 12 }, (_, n) => r.persistIntent(vm, { id: 'busy', name: `${n}` }, at));
        const revisions = (await Promise.all(intents)).map(({ record }) => record.revision);
        expect(revisions.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 12 }, (_, n) => n + 1));
        const current = { id: 'busy', revision: 12 };
        await Promise.all(at.enforcementPoints.map((point) => r.markInProgress(vm, current, point)));
        await Promise.all(at.enforcementPoints.map((point) => r.markSuccess(vm, current, point)));
        expect(await statusLine(r, vm, 'busy', ...at.enforcementPoints)).toBe(
          'REALIZED / REALIZED / REALIZED / REALIZED',
        );
      });

      test('a mark that waited for another sees what that one wrote, though it left the overall row as it was', async () => {
        const r = fixture.realization.as(pepsi);
        const { record } = await r.persistIntent(vm, { id: 'two', name: '' }, { enforcementPoints: ['E1', 'E2'] });
        const marked = await fixture.store.as(pepsi).transaction(async (tx) => {
          await fixture.realization.in(tx).markSuccess(vm, record, 'E1');
          const waiting = r.markSuccess(vm, record, 'E2');
          const blocked = `select count(*)::int as n from pg_locks where not granted and pid <> pg_backend_pid()
          and locktype in ('transactionid', 'tuple')`;
          await eventually(
            async () => expect((await tx.query<{ n: number }>(blocked)).rows[0]?.n).toBeGreaterThan(0),
            LIMIT,
          );
          return { waiting };
        });
        await marked.waiting;
        expect(await statusLine(r, vm, 'two', 'E1', 'E2')).toBe('REALIZED / REALIZED / REALIZED');
      });

      test('workers realize, fail, retry and unrealize, and what is submitted is carried out', async () => {
        const r = fixture.realization.as(coke);
        const calls: string[] = [];
        await using worker = fixture.realization.worker({
          enforcementPoint: 'W1',
          retry: { limit: 3, minDelayMs: 10, maxDelayMs: 20 },
          handlers: [
            on(vm, {
              realize: async ({ record, attempt }) => {
                if (attempt === 1 && record.name === 'fails') throw new Error('not yet');
                calls.push(`realize ${record.id}`);
              },
              unrealize: async ({ record }) => void calls.push(`unrealize ${record.id}`),
            }),
          ],
        });
        await worker.start();
        const records = Array.from({ length: 10 }, (_, n) => ({ id: `VM${n}`, name: n === 3 ? 'fails' : 'works' }));
        const at = { enforcementPoints: ['W1'] };
        await Promise.all(records.slice(0, 5).map((record) => r.persistIntent(vm, record, at)));
        await r.persistIntents(vm, records.slice(5, 8), at);
        const submitted = await Promise.all(records.slice(8).map((record) => r.submit.persistIntent(vm, record, at)));
        await Promise.all(submitted.map((one) => one.result(LIMIT)));
        await Promise.all(records.map(({ id }) => r.waitFor(vm, id, { status: 'REALIZED', ...LIMIT })));
        expect(calls.toSorted()).toEqual(records.map(({ id }) => `realize ${id}`).toSorted());
        expect((await r.history(vm, 'VM3')).some(({ status }) => status === 'ERROR')).toBe(true);
        await r.softDelete(vm, 'VM0');
        await (await r.submit.softDeleteMany(vm, ['VM1', 'VM2'])).result(LIMIT);
        for (const id of ['VM0', 'VM1', 'VM2']) await r.waitFor(vm, id, { status: 'DELETION_REALIZED', ...LIMIT });
        expect(await r.count(vm, { status: 'REALIZED' })).toBe(7);
      });
    });
  },
);
