import { countActivity, eventually, isOnCitus } from '@intendant/devdb/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  DuplicateRecordError,
  InvalidRecordError,
  OperationNotAllowedError,
  RecordNotFoundError,
  RevisionConflictError,
  type Transaction,
  TransactionConflictError,
} from '../index.ts';
import {
  application,
  appUsers,
  cokeAdmin,
  GLOBAL_ROLES,
  openTestStore,
  pepsiAdmin,
  TENANT_ROLES,
} from '../testing/fixtures.ts';

const fixture = await openTestStore({ pool: { max: 4 } });
const { store, database } = fixture;
const coke = store.as(cokeAdmin);
const app = (id: string) => ({ id, name: id });

beforeAll(async () => {
  await store.register([application], { roles: TENANT_ROLES });
  await store.register([appUsers], { roles: GLOBAL_ROLES });
});
beforeEach(async () => {
  await coke.deleteMany(application, { where: {} });
});
afterAll(() => fixture[Symbol.asyncDispose]());

/** No connection is still used by an earlier transaction. */
const untilAllIdle = async () => {
  expect(store.stats().waiting).toBe(0);
  await eventually(() => expect(store.stats().idle).toBe(store.stats().total));
};

describe('a transaction', () => {
  test('commits together, and sees its own writes before', async () => {
    await coke.transaction(async (tx) => {
      const inserted = await tx.insert(application, app('one'));
      expect(await tx.find(application, 'one')).toEqual(inserted);
      await expect(coke.find(application, 'one')).rejects.toThrow(RecordNotFoundError);
      await tx.update(application, { ...inserted, name: 'changed' });
    });
    expect(await coke.find(application, 'one')).toMatchObject({ name: 'changed', revision: 2 });
  });

  test('that throws changes nothing, and rethrows the error', async () => {
    const reason = new Error('second thoughts');
    const attempt = coke.transaction(async (tx) => {
      await tx.insert(application, app('undone'));
      throw reason;
    });
    await expect(attempt).rejects.toBe(reason);
    expect(await coke.count(application)).toBe(0);
    await untilAllIdle();
  });

  test('goes on after a record was not found, or was at another revision', async () => {
    await coke.insert(application, app('there'));
    await coke.transaction(async (tx) => {
      await expect(tx.find(application, 'absent')).rejects.toThrow(RecordNotFoundError);
      await expect(tx.update(application, { ...app('there'), revision: 9 })).rejects.toThrow(RevisionConflictError);
      await tx.insert(application, app('after'));
    });
    expect(await coke.count(application)).toBe(2);
  });

  test('whose failed statement was swallowed does not pretend to have committed', async () => {
    await coke.insert(application, app('taken'));
    const attempt = coke.transaction(async (tx) => {
      await tx.insert(application, app('lost'));
      await tx.insert(application, app('taken')).catch((error) => expect(error).toBeInstanceOf(DuplicateRecordError));
    });
    await expect(attempt).rejects.toThrow(/rolled back/);
    await expect(coke.find(application, 'lost')).rejects.toThrow(RecordNotFoundError);
  });

  test('cannot be used once it is over', async () => {
    const escaped = await coke.transaction(async (tx) => tx);
    await expect(escaped.insert(application, app('late'))).rejects.toThrow(OperationNotAllowedError);
    await expect(escaped.query('select 1')).rejects.toThrow(OperationNotAllowedError);
  });

  test('that raw SQL committed is refused afterwards, so that nothing runs outside its scope', async () => {
    const attempt = coke.transaction(async (tx) => {
      await tx.query('commit');
      await tx.query('select * from application');
    });
    await expect(attempt).rejects.toThrow(/committed or rolled back by raw SQL/);
    await untilAllIdle();
  });

  test('joins when nested, and undoes a savepoint alone', async () => {
    await coke.transaction(async (tx) => {
      await tx.transaction(async (inner) => void (await inner.insert(application, app('joined'))));
      const undone = tx.transaction(
        async (inner) => {
          await inner.insert(application, app('undone'));
          await inner.insert(application, app('joined'));
        },
        { savepoint: true },
      );
      await expect(undone).rejects.toThrow(DuplicateRecordError);
      await tx.insert(application, app('last'));
    });
    expect((await coke.findMany(application)).map(({ id }) => id)).toEqual(['joined', 'last']);
  });

  test('runs afterCommit callbacks after the commit, and never after a rollback', async () => {
    const seen: string[] = [];
    await coke.transaction(async (tx) => {
      tx.afterCommit(async () => seen.push((await coke.find(application, 'announced')).id));
      await tx.insert(application, app('announced'));
      expect(seen).toEqual([]);
    });
    await coke
      .transaction(async (tx) => {
        tx.afterCommit(() => seen.push('never'));
        throw new Error('no');
      })
      .catch(() => {});
    expect(seen).toEqual(['announced']);
  });

  test('runs concurrent calls one after the other', async () => {
    const ids = Array.from({ length: 20 }, (_, index) => `parallel-${String(index).padStart(2, '0')}`);
    await coke.transaction(async (tx) => {
      const all = await Promise.all([
        ...ids.map((id) => tx.insert(application, app(id))),
        tx.query('select count(*)::int as count from application').then(({ rows }) => rows[0]),
      ]);
      expect(all.at(-1)).toEqual({ count: ids.length });
      await Promise.allSettled([tx.find(application, 'absent'), tx.count(application)]);
    });
    expect((await coke.findMany(application)).map(({ id }) => id)).toEqual(ids);
  });

  test('that only reads cannot write', async () => {
    await expect(coke.transaction((tx) => tx.insert(application, app('x')), { readOnly: true })).rejects.toThrow(
      OperationNotAllowedError,
    );
    expect(await coke.count(application)).toBe(0);
  });

  test('of raw SQL stays within its org', async () => {
    await store.as(pepsiAdmin).insert(application, app('pepsis'));
    const { rows } = await coke.transaction((tx) => tx.query('select * from application'));
    expect(rows).toEqual([]);
    const hijack = coke.transaction((tx) =>
      tx.query(`insert into application (org_id, id, name) values ('Pepsi', 'x', 'x')`),
    );
    await expect(hijack).rejects.toThrow(OperationNotAllowedError);
    await store.as(pepsiAdmin).deleteMany(application, { where: {} });
  });

  test('that repeats reads sees one state throughout; one that reads what is committed sees each', async () => {
    const countTwice = (isolation: 'repeatable read' | 'read committed') =>
      coke.transaction(
        async (tx) => {
          const before = await tx.count(application);
          await coke.insert(application, app(isolation));
          return [before, await tx.count(application)];
        },
        { isolation },
      );
    expect(await countTwice('repeatable read')).toEqual([0, 0]);
    expect(await countTwice('read committed')).toEqual([1, 2]);
    await expect(coke.transaction(async () => {}, { isolation: 'dirty' as never })).rejects.toThrow(
      /is not an isolation level/,
    );
  });

  test('of several tables commits together or not at all', async () => {
    const user = {
      id: 'u',
      name: 'u',
      email: 'u',
      email_confirmed: true,
      num_following: 1,
      num_followers: 1n,
      app_id: 'a',
      msg: new Uint8Array(),
    };
    const both = (id: string, email: string) =>
      coke.transaction(
        async (tx) => {
          await tx.insert(application, app(id));
          await tx.insert(appUsers, { ...user, id, email: email as string });
        },
        { tables: [application, appUsers] },
      );
    await both('together', 'x');
    await expect(both('broken', 5 as never)).rejects.toThrow(InvalidRecordError);
    expect(await coke.count(application)).toBe(1);
    expect(await coke.deleteMany(appUsers, { where: {} })).toBe(1);
  });
});

describe('transactions that conflict', () => {
  test('a serialization failure is a conflict, and retries succeed', async () => {
    await coke.insert(application, app('counter'));
    let attempts = 0;
    const allHaveRead = Promise.withResolvers<void>();
    const increment = () =>
      coke.transaction(
        async (tx) => {
          const record = await tx.find(application, 'counter');
          if (++attempts === 4) allHaveRead.resolve();
          await allHaveRead.promise;
          await tx.update(application, { ...record, name: `${record.name}+` });
        },
        { isolation: 'serializable', retries: 20 },
      );
    await Promise.all([increment(), increment(), increment(), increment()]);
    expect(await coke.find(application, 'counter')).toMatchObject({ name: 'counter++++', revision: 5 });
    expect(attempts).toBeGreaterThan(4);
  });

  test('a deadlock is a conflict', async () => {
    await coke.insertMany(application, [app('a'), app('b')]);
    let waiting = 0;
    const bothHoldOne = Promise.withResolvers<void>();
    const lock = (first: string, second: string) =>
      coke.transaction(async (tx) => {
        await tx.query("select from application where org_id = 'Coke' and id = $1 for update", [first]);
        if (++waiting === 2) bothHoldOne.resolve();
        await bothHoldOne.promise;
        await tx.query("select from application where org_id = 'Coke' and id = $1 for update", [second]);
      });
    const results = await Promise.allSettled([lock('a', 'b'), lock('b', 'a')]);
    const failures = results.filter((result) => result.status === 'rejected');
    if (!isOnCitus()) expect(failures).toHaveLength(1); // There the node and the coordinator may each end one.
    expect(failures[0]?.reason).toBeInstanceOf(TransactionConflictError);
    await untilAllIdle();
  });

  test('a deadlock succeeds after retries', async () => {
    await coke.insertMany(application, [app('a'), app('b')]);
    let waiting = 0;
    const bothHoldOne = Promise.withResolvers<void>();
    const lock = (first: string, second: string) =>
      coke.transaction(
        async (tx) => {
          const record = await tx.find(application, first);
          await tx.update(application, { ...record, name: `${record.name}+` });
          if (++waiting === 2) bothHoldOne.resolve();
          await bothHoldOne.promise;
          const other = await tx.find(application, second);
          await tx.update(application, { ...other, name: `${other.name}+` });
        },
        { retries: 5, isolation: 'repeatable read' },
      );
    await Promise.all([lock('a', 'b'), lock('b', 'a')]);
    expect(await coke.findMany(application)).toMatchObject([{ name: 'a++' }, { name: 'b++' }]);
  });

  test('an upsert at a revision does not bring back a record that is deleted meanwhile, and waits for one that is changed', async () => {
    let record = await coke.insert(application, app('raced'));
    const upsertWhileHeld = async (change: (tx: Transaction) => Promise<unknown>): Promise<unknown> => {
      const { upserting } = await coke.transaction(async (tx) => {
        await change(tx);
        const waiting = coke.upsert(application, record);
        waiting.catch(() => {});
        await eventually(async () => expect(await countActivity(database, `wait_event_type = 'Lock'`)).toBe(1));
        return { upserting: waiting };
      });
      return upserting;
    };
    await expect(upsertWhileHeld((tx) => tx.update(application, record))).rejects.toThrow(RevisionConflictError);
    record = { ...record, revision: 2 };
    await expect(upsertWhileHeld((tx) => tx.delete(application, 'raced'))).rejects.toThrow(RevisionConflictError);
    expect(await coke.count(application)).toBe(0);
  });
});
