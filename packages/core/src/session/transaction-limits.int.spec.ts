import { countActivity, eventually } from '@intendant/devdb/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  ConfigurationError,
  createDataStore,
  OperationCancelledError,
  OperationNotAllowedError,
  type Transaction,
} from '../index.ts';
import { application, cokeAdmin, onTestServer, openStore, openTestStore, TENANT_ROLES } from '../testing/fixtures.ts';

const fixture = await openTestStore({ pool: { max: 3 } });
const { store, database } = fixture;
const coke = store.as(cokeAdmin);
const app = (id: string) => ({ id, name: id });
const stored = async () => (await coke.findMany(application, { orderBy: { id: 'asc' } })).map(({ id }) => id);
const never = () => new Promise<never>(() => {});
const nested = (tx: Transaction, work: () => Promise<unknown>) => tx.transaction(work, { savepoint: true });

/** No connection is still used by an earlier transaction. */
const untilAllIdle = async () => {
  expect(store.stats().waiting).toBe(0);
  await eventually(() => expect(store.stats().idle).toBe(store.stats().total));
};

beforeAll(() => store.register([application], { roles: TENANT_ROLES }));
beforeEach(async () => void (await coke.deleteMany(application, { where: {} })));
afterAll(() => fixture[Symbol.asyncDispose]());

describe('a transaction whose callback never returns', () => {
  const waits: Record<string, (tx: Transaction) => Promise<unknown>> = {
    'before any statement': never,
    'after an insert': async (tx) => tx.insert(application, app('A')).then(never),
    'after SQL of its own': async (tx) => tx.query('select 1').then(never),
    'with the client in its hands': async (tx) => tx.client.query('select 1').then(never),
    'inside a nested transaction': (tx) => nested(tx, () => tx.insert(application, app('A')).then(never)),
    'inside a slow statement': async (tx) => Promise.allSettled([tx.query('select pg_sleep(60)')]).then(never),
  };

  test.each(Object.entries(waits))('%s ends with its time, and nothing of it is left', async (_, wait) => {
    await expect(coke.transaction(wait, { timeoutMs: 30 })).rejects.toThrow(OperationCancelledError);
    await coke.insert(application, app('A'));
    await untilAllIdle();
  });

  test('ends with its signal, and lets the store close', async () => {
    const own = await openStore(database);
    await own.register([application], { roles: TENANT_ROLES });
    const stopping = new AbortController();
    const inserted = Promise.withResolvers<void>();
    let late: Promise<unknown> | undefined;
    const running = own.as(cokeAdmin).transaction(
      async (tx) => {
        await tx.insert(application, app('A'));
        inserted.resolve();
        stopping.signal.addEventListener('abort', () => {
          late = Promise.resolve().then(() => tx.insert(application, app('B')));
          late.catch(() => {});
        });
        return never();
      },
      { signal: stopping.signal },
    );
    await inserted.promise;
    stopping.abort();
    await expect(running).rejects.toThrow(OperationCancelledError);
    await expect(late).rejects.toThrow(OperationCancelledError);
    await own.close();
    expect(await stored()).toEqual([]);
  });

  test.each([0, -1, Number.NaN, '100', null])('cannot be given a limit of %s', async (timeoutMs) => {
    const run = coke.transaction(async () => 1, { timeoutMs: timeoutMs as number });
    await expect(run).rejects.toThrow(ConfigurationError);
  });

  test('may have a limit of any length', async () => {
    for (const timeoutMs of [2 ** 31, 90 * 86_400_000, Number.POSITIVE_INFINITY]) {
      expect(await coke.transaction((tx) => tx.count(application), { timeoutMs })).toBe(0);
    }
  });
});

describe('concurrent work in one transaction', () => {
  const failing = (tx: Transaction, id: string) =>
    nested(tx, async () => {
      await tx.insert(application, app(id));
      throw new Error('it fails');
    });

  test('a failing nested part rolls back only itself', async () => {
    const outcomes = await coke.transaction((tx) =>
      Promise.allSettled([
        failing(tx, 'one'),
        nested(tx, () => tx.insert(application, app('two'))),
        failing(tx, 'three'),
        tx.insert(application, app('four')),
        tx.query(`insert into application (org_id, id, name) values ('Coke', 'five', 'five')`),
        nested(tx, () => nested(tx, () => tx.insert(application, app('six')))),
      ]),
    );
    expect(outcomes.map(({ status }) => status)).toEqual([
      'rejected',
      'fulfilled',
      'rejected',
      'fulfilled',
      'fulfilled',
      'fulfilled',
    ]);
    expect(await stored()).toEqual(['five', 'four', 'six', 'two']);
  });

  test('what was to run after the commit runs for the parts that are kept', async () => {
    const ran: string[] = [];
    await coke.transaction(async (tx) => {
      const parts = ['kept', 'lost'].map((name) =>
        nested(tx, async () => {
          tx.afterCommit(() => ran.push(name));
          await nested(tx, async () => tx.afterCommit(() => ran.push(`inside ${name}`)));
          if (name === 'lost') throw new Error('it fails');
        }),
      );
      tx.afterCommit(() => ran.push('whole'));
      await Promise.allSettled(parts);
    });
    expect(ran).toEqual(['whole', 'kept', 'inside kept']);
  });

  test('a stream goes on beside a nested part that fails', async () => {
    for (const id of ['A', 'B', 'C']) await coke.insert(application, app(id));
    const seen: string[] = [];
    await coke.transaction(async (tx) => {
      const stream = async () => {
        for await (const { id } of tx.stream(application, { limit: 1, orderBy: { id: 'asc' } })) seen.push(id);
      };
      await Promise.allSettled([stream(), failing(tx, 'D')]);
    });
    expect(seen).toEqual(['A', 'B', 'C']);
  });

  test('the client is refused while a nested part runs', async () => {
    await coke.transaction(async (tx) => {
      const part = nested(tx, () => tx.insert(application, app('A')));
      expect(() => tx.client).toThrow(OperationNotAllowedError);
      await part;
      await tx.client.query('select 1');
    });
  });

  test('a nested part that is not awaited keeps everything from being committed', async () => {
    let part: Promise<unknown> = Promise.resolve();
    const run = coke.transaction(async (tx) => {
      await tx.insert(application, app('A'));
      part = nested(tx, () => tx.insert(application, app('B')));
      part.catch(() => {});
    });
    await expect(run).rejects.toThrow('a nested transaction was not awaited');
    await expect(part).rejects.toThrow();
    expect(await stored()).toEqual([]);
  });
});

describe('cancellation', () => {
  const sleepers = () => countActivity(database, `query like 'select pg_sleep%' and state = 'active'`);
  const waiters = () => countActivity(database, `wait_event_type = 'Lock'`);

  test('an abort ends a transaction that waits for a connection, or for its next try', async () => {
    await using small = await createDataStore({
      ...onTestServer,
      connection: database.url,
      adminConnection: database.adminUrl,
      pool: { max: 1 },
    });
    await small.register([application], { roles: TENANT_ROLES });
    const session = small.as(cokeAdmin);
    await session.transaction(async () => {
      const waiting = session.transaction(async () => 'never', { timeoutMs: 50 });
      await expect(waiting).rejects.toThrow(OperationCancelledError);
      await expect(session.count(application, { signal: AbortSignal.timeout(50) })).rejects.toThrow(
        OperationCancelledError,
      );
      await expect(session.count(application, { signal: AbortSignal.abort() })).rejects.toThrow(
        OperationCancelledError,
      );
    });
    const retried = session.transaction(
      (tx) => tx.query(`do $$ begin raise exception 'x' using errcode = '40001'; end $$`),
      { retries: 1_000_000, timeoutMs: 200 },
    );
    await expect(retried).rejects.toThrow(OperationCancelledError);
    await eventually(() => expect(small.stats()).toMatchObject({ idle: small.stats().total, waiting: 0 }));
    expect(await session.count(application)).toBe(0);
  });

  test('an abort while a statement of a transaction runs cancels it on the server, and undoes the rest', async () => {
    const controller = new AbortController();
    const attempt = coke.transaction(
      async (tx) => {
        await tx.insert(application, app('undone'));
        await tx.query('select pg_sleep(60)');
      },
      { signal: controller.signal },
    );
    await eventually(async () => expect(await sleepers()).toBe(1));
    controller.abort(new Error('enough'));
    await expect(attempt).rejects.toMatchObject({ code: 'OPERATION_CANCELLED', cause: new Error('enough') });
    await eventually(async () => expect(await sleepers()).toBe(0));
    expect(await coke.count(application)).toBe(0);
  });

  test("the pool's statement timeout ends a statement on the server", async () => {
    await using hasty = await createDataStore({
      ...onTestServer,
      connection: database.url,
      adminConnection: database.adminUrl,
      pool: { statementTimeoutMs: 300 },
    });
    await hasty.register([application], { roles: TENANT_ROLES });
    const session = hasty.as(cokeAdmin);
    await expect(session.transaction((tx) => tx.query('select pg_sleep(60)'))).rejects.toThrow(/time limit ran out/);
    // On a busy machine this statement may run into the limit, too.
    expect(await eventually(() => session.count(application))).toBe(0);
    expect(hasty.stats()).toEqual({ total: 1, idle: 1, waiting: 0 });
  });

  test('a time limit cancels the statement on the server', async () => {
    const attempt = coke.transaction((tx) => tx.query('select pg_sleep(60)'), { timeoutMs: 100 });
    await expect(attempt).rejects.toThrow(OperationCancelledError);
    await eventually(async () => expect(await sleepers()).toBe(0));
    await untilAllIdle();
  });

  test('an abort signal cancels an operation on the server, and the pool goes on', async () => {
    const holder = Promise.withResolvers<void>();
    const held = Promise.withResolvers<void>();
    await coke.insert(application, app('locked'));
    const lock = coke.transaction(async (tx) => {
      await tx.query(`select from application where org_id = 'Coke' and id = 'locked' for update`);
      held.resolve();
      await holder.promise;
    });
    await held.promise;
    const controller = new AbortController();
    const blocked = coke.delete(application, 'locked', { signal: controller.signal });
    await eventually(async () => expect(await waiters()).toBe(1));
    controller.abort();
    await expect(blocked).rejects.toThrow(OperationCancelledError);
    await eventually(async () => expect(await waiters()).toBe(0));
    holder.resolve();
    await lock;
    expect(await coke.delete(application, 'locked')).toBe(1);
    await untilAllIdle();
  });

  test('an exhausted pool is reported within its time limit', async () => {
    await using small = await createDataStore({
      ...onTestServer,
      connection: database.url,
      adminConnection: database.adminUrl,
      pool: { max: 1, acquireTimeoutMs: 200 },
    });
    await small.register([application], { roles: TENANT_ROLES });
    const session = small.as(cokeAdmin);
    await eventually(() => session.count(application)); // Opens the connection, which may take longer than the limit.
    await session.transaction(async () => {
      await expect(session.count(application)).rejects.toThrow(/no connection came free in time/);
    });
    expect(await session.count(application)).toBe(0);
  });
});
