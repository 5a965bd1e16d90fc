import { afterAll, beforeAll, describe, expect, expectTypeOf, test } from 'vitest';
import { internalsOf, type Scope, type StatementResult, serviceScope } from '../internal.ts';
import { application, cokeAdmin, openTestStore, TENANT_ROLES } from '../testing/fixtures.ts';

const fixture = await openTestStore({ pool: { max: 2 } });
const { executor } = internalsOf(fixture.store);
const scope: Scope = { role: 'tenant_writer', orgId: 'Coke', instanceId: undefined };
const coke = fixture.store.as(cokeAdmin);

beforeAll(() => fixture.store.register([application], { roles: TENANT_ROLES }));
afterAll(() => fixture[Symbol.asyncDispose]());

const value = (text: string) => ({ text: 'select $1::text', values: [text] });
const read = (result: StatementResult | undefined) => result?.rows[0]?.[0];

describe('statements that travel together', () => {
  test('have their results under their own names, lists and missing ones too', async () => {
    const isLocked = Math.random() < 0;
    const results = await executor.run(scope, {
      record: value('record'),
      lock: isLocked ? value('lock') : undefined,
      points: [value('E1'), value('E2')],
      none: [],
      last: value('last'),
    });
    expectTypeOf(results.record).toEqualTypeOf<StatementResult>();
    expectTypeOf(results.lock).toEqualTypeOf<StatementResult | undefined>();
    expectTypeOf(results.points).toEqualTypeOf<StatementResult[]>();
    expect(read(results.record)).toBe('record');
    expect(results.lock).toBeUndefined();
    expect(results.points.map(read)).toEqual(['E1', 'E2']);
    expect(results.none).toEqual([]);
    expect(read(results.last)).toBe('last');
  });
});

describe('a transaction of an executor', () => {
  const org = { text: "select current_setting('intendant.org_id')" };
  const role = { text: 'select current_user::text' };

  test('commits what runs in it together, or nothing', async () => {
    const insert = (id: string) => ({
      text: 'insert into application (id, name, org_id) values ($1, $1, $2)',
      values: [id, 'Coke'],
    });
    const failed = executor.transaction(async (inside) => {
      await inside.run(scope, { insert: insert('lost') });
      await inside.transaction((joined) => joined.run(scope, { insert: insert('lost too') }));
      throw new Error('no');
    });
    await expect(failed).rejects.toThrow('no');
    await executor.transaction(async (inside) => {
      expect([executor.isTransaction, inside.isTransaction]).toEqual([false, true]);
      await inside.run(scope, { insert: insert('kept') });
    });
    expect((await coke.findMany(application)).map(({ id }) => id)).toEqual(['kept']);
  });

  test('has its scope again after statements of the service role', async () => {
    await executor.transaction(async (inside) => {
      const before = await inside.run(scope, { org, role });
      const asService = await inside.run(serviceScope, { org, role });
      const after = await inside.run(scope, { org, role });
      expect([before.org, asService.org, after.org].map(read)).toEqual(['Coke', '', 'Coke']);
      expect(read(asService.role)).toMatch(/_service$/);
      expect(read(after.role)).toBe(read(before.role));
    });
  });
});
