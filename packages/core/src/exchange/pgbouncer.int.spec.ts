import { type PgBouncer, startPgBouncer, whyNoPgBouncer } from '@intendant/devdb/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createDataStore, type DataStore, OperationCancelledError, OperationNotAllowedError } from '../index.ts';
import { application, cokeAdmin, onTestServer, openTestStore, pepsiAdmin, TENANT_ROLES } from '../testing/fixtures.ts';

/** Since this version a pooler keeps prepared statements itself. https://www.pgbouncer.org/config.html#max_prepared_statements */
const KEEPS_STATEMENTS = 1.21;

const cases = [
  { what: 'with statements unnamed', namedStatements: false, needs: 1, settings: {} },
  {
    what: 'with named statements, which it keeps',
    namedStatements: true,
    needs: KEEPS_STATEMENTS,
    settings: { max_prepared_statements: 100 },
  },
];

describe.each(cases)('through PgBouncer in transaction mode, $what', ({ namedStatements, needs, settings }) => {
  const reason = whyNoPgBouncer(needs);

  describe.skipIf(reason)(reason ? `skipped: ${reason}` : 'all holds', () => {
    let fixture: Awaited<ReturnType<typeof openTestStore>>;
    let pooler: PgBouncer;
    let store: DataStore;

    beforeAll(async () => {
      fixture = await openTestStore();
      pooler = await startPgBouncer(fixture.database, settings);
      store = await createDataStore({
        ...onTestServer,
        connection: pooler.url,
        adminConnection: fixture.database.adminUrl,
        pool: { namedStatements, max: 10 },
      });
      await store.register([application], { roles: TENANT_ROLES });
    });
    afterAll(async () => {
      await store?.close();
      await pooler?.[Symbol.asyncDispose]();
      await fixture?.[Symbol.asyncDispose]();
    });

    test('many tenants on two server connections each see only their own rows', async () => {
      await Promise.all(
        Array.from({ length: 20 }, async (_, index) => {
          const session = store.as({ orgId: `org-${index}`, roles: ['tenant_admin'] });
          for (let round = 0; round < 10; round++) {
            const stored = await session.upsert(application, { id: 'same', name: `${index}-${round}` });
            expect(await session.find(application, 'same')).toEqual(stored);
            const { rows } = await session.transaction(async (tx) => {
              await tx.update(application, stored);
              return tx.query('select org_id, revision::int from application');
            });
            expect(rows).toEqual([{ org_id: `org-${index}`, revision: stored.revision + 1 }]);
          }
        }),
      );
    });

    test('a transaction keeps its scope and its connection from start to end', async () => {
      const coke = store.as(cokeAdmin);
      const failing = coke.transaction(async (tx) => {
        await tx.insert(application, { id: 'undone', name: 'x' });
        expect(await tx.count(application)).toBe(1);
        await tx.query(`insert into application (org_id, id, name) values ('Pepsi', 'x', 'x')`);
      });
      await expect(failing).rejects.toThrow(OperationNotAllowedError);
      expect(await coke.count(application)).toBe(0);
      expect(await store.as(pepsiAdmin).count(application)).toBe(0);
    });

    test('a statement is cancelled on the server', async () => {
      const slow = store.as(cokeAdmin).transaction((tx) => tx.query('select pg_sleep(60)'), { timeoutMs: 200 });
      await expect(slow).rejects.toThrow(OperationCancelledError);
      expect(await store.as(cokeAdmin).count(application)).toBe(0);
    });
  });
});
