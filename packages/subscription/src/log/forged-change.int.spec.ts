import { createDataStore, defineTable, OperationNotAllowedError } from '@intendant/core';
import { testDatabase } from '@intendant/devdb/testing';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { createSubscriptions } from '../index.ts';

test("a tenant's role cannot have our triggers log what never happened to a table", async () => {
  await using database = await testDatabase();
  await using store = await createDataStore({ connection: database.url, adminConnection: database.adminUrl });
  const vm = defineTable('vm', { schema: z.object({ id: z.string() }) });
  await store.register([vm], { roles: { tenant_admin: 'tenant_writer' } });
  await using _ = await createSubscriptions({ store });
  for (const name of ['append_public_vm', 'append_truncate_public_vm']) {
    const forging = store.as({ orgId: 'Pepsi', roles: ['tenant_admin'] }).transaction(async (tx) => {
      await tx.query('create temp table forged (like public.vm)');
      await tx.query(
        `create trigger forge before truncate on forged for each statement execute function intendant.${name}()`,
      );
    });
    await expect(forging).rejects.toThrow(OperationNotAllowedError);
    await expect(forging).rejects.toMatchObject({
      cause: { message: expect.stringContaining('permission denied for function') },
    });
  }
});
