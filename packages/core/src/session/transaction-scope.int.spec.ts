import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import {
  defineTable,
  MissingInstanceIdError,
  OperationNotAllowedError,
  SimpleInstancer,
  type Transaction,
} from '../index.ts';
import { openTestStore } from '../testing/fixtures.ts';

const schema = z.object({ id: z.string() });
const order = defineTable('order', { schema });
const audit = defineTable('audit', { schema });
const operations = defineTable('operations', { schema });
const deployment = defineTable('deployment', { schema, instanced: true });

const fixture = await openTestStore({ instancer: new SimpleInstancer() });
const { store } = fixture;
beforeAll(async () => {
  await store.register([order], { roles: { clerk: 'tenant_writer', user: 'tenant_writer', manager: 'writer' } });
  await store.register([audit], { roles: { clerk: 'tenant_reader', user: 'tenant_writer', manager: 'tenant_reader' } });
});
afterAll(() => fixture[Symbol.asyncDispose]());

const user = store.as({ orgId: 'Coke', roles: ['user'] });
const roleOf = async (tx: Transaction): Promise<string> => {
  const { rows } = await tx.query<{ role: string }>(`select current_setting('role') as role`);
  return rows[0]?.role ?? '';
};

describe('raw SQL in a transaction that declares no tables', () => {
  test('runs under the least role across all tables, whatever operations ran before', async () => {
    const clerk = store.as({ orgId: 'Coke', roles: ['clerk'] });
    const refused = clerk.transaction(async (tx) => {
      await tx.insert(order, { id: 'raw' });
      expect(await roleOf(tx)).toMatch(/tenant_reader$/);
      await tx.upsert(order, { id: 'raw' });
      expect(await roleOf(tx)).toMatch(/tenant_reader$/);
      await tx.query(`insert into audit (org_id, id) values ('Coke', 'raw')`);
    });
    await expect(refused).rejects.toThrow(OperationNotAllowedError);
    expect(await clerk.count(order)).toBe(0);
  });

  test('keeps that role when a savepoint is rolled back, on a client that was handed out inside it too', async () => {
    await store.as({ orgId: 'Coke', roles: ['manager'] }).transaction(async (tx) => {
      await tx.count(order);
      let client: Transaction['client'] | undefined;
      const inner = tx.transaction(
        async (nested) => {
          client = nested.client;
          await nested.insert(order, { id: 'undone' });
          throw new Error('changed my mind');
        },
        { savepoint: true },
      );
      await expect(inner).rejects.toThrow('changed my mind');
      const { rows } = (await client?.query(`select current_setting('role') as role`)) ?? { rows: [] };
      expect(rows[0]?.role).toMatch(/tenant_reader$/);
      expect(await tx.count(order)).toBe(0);
    });
  });

  test('a first operation inside a savepoint that is rolled back leaves the next one its scope', async () => {
    await user.transaction(async (tx) => {
      const inner = tx.transaction(
        async (nested) => {
          await nested.insert(order, { id: 'undone' });
          throw new Error('changed my mind');
        },
        { savepoint: true },
      );
      await expect(inner).rejects.toThrow('changed my mind');
      await tx.insert(order, { id: 'kept' });
      expect((await tx.findMany(order)).map(({ id, orgId }) => [id, orgId])).toEqual([['kept', 'Coke']]);
    });
    expect(await user.delete(order, 'kept')).toBe(1);
  });
});

describe('tables that a transaction never touches', () => {
  test('on which the caller has no role do not count; raw SQL is refused when it has a role on none', async () => {
    await store.register([operations], { roles: { operator: 'writer' } });
    await user.transaction((tx) => tx.insert(order, { id: 'unrelated' }));
    expect(await user.delete(order, 'unrelated')).toBe(1);
    expect(await user.transaction(roleOf)).toMatch(/tenant_writer$/);
    const stranger = store.as({ orgId: 'Coke', roles: ['stranger'] });
    await expect(stranger.transaction((tx) => tx.query('select 1'))).rejects.toThrow(
      /no role on any table.*tables: \[vm\]/,
    );
    await expect(stranger.transaction(async (tx) => void tx.client)).rejects.toThrow(OperationNotAllowedError);
    await user.transaction((tx) => tx.query('select 1'), { tables: [order, audit] });
    await store.register([operations], { roles: { operator: 'writer', user: 'tenant_reader' } });
  });

  test('that have instances, do not ask it for one, but raw SQL does', async () => {
    await store.register([deployment], { roles: { user: 'tenant_writer' } });
    await user.transaction((tx) => tx.insert(order, { id: 'no instance' }));
    await expect(user.transaction((tx) => tx.insert(deployment, { id: 'x' }))).rejects.toThrow(MissingInstanceIdError);
    await expect(user.transaction((tx) => tx.query('select 1'))).rejects.toThrow(MissingInstanceIdError);
  });
});
