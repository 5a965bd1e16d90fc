import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import {
  DuplicateRecordError,
  defineTable,
  InvalidRecordError,
  MissingContextError,
  MissingOrgIdError,
  OperationNotAllowedError,
  RecordNotFoundError,
  RevisionConflictError,
  TableNotRegisteredError,
} from '../index.ts';
import {
  application,
  appUsers,
  cokeAdmin,
  cokeAuditor,
  GLOBAL_ROLES,
  openTestStore,
  pepsiAdmin,
  serviceAdmin,
  TENANT_ROLES,
} from '../testing/fixtures.ts';

const fixture = await openTestStore();
const { store } = fixture;
const coke = store.as(cokeAdmin);
const pepsi = store.as(pepsiAdmin);

const user = (id: string) => ({
  id,
  name: 'Jeyhun',
  email: 'jeyhun@mail.com',
  email_confirmed: true,
  num_following: 2_147_483_647,
  num_followers: 9_223_372_036_854_775_807n,
  app_id: 'app',
  msg: new TextEncoder().encode('msg1234'),
});

beforeAll(async () => {
  await store.register([application], { roles: TENANT_ROLES });
  await store.register([appUsers], { roles: GLOBAL_ROLES });
});
afterAll(() => fixture[Symbol.asyncDispose]());

describe('finding', () => {
  test('a missing record is a RecordNotFoundError', async () => {
    await expect(coke.find(appUsers, 'nobody')).rejects.toThrow(RecordNotFoundError);
  });

  test('a key that is too long for an index is refused when it is written, and nothing is stored', async () => {
    const id = Array.from({ length: 4_000 }, (_, index) => index.toString(36)).join(' ');
    await expect(coke.insert(application, { id, name: 'long' })).rejects.toThrow(InvalidRecordError);
    await expect(coke.find(application, id)).rejects.toThrow(RecordNotFoundError);
  });

  test('a value that is not a list of records is refused by insertMany', async () => {
    for (const records of [undefined, null, {}, 'text']) {
      await expect(coke.insertMany(application, records as never)).rejects.toThrow(InvalidRecordError);
    }
  });

  test('an empty table returns an empty list', async () => {
    expect(await pepsi.findMany(application)).toEqual([]);
  });

  test('a table that was never registered is named in the error', async () => {
    const stranger = defineTable('stranger', { schema: z.object({ id: z.string() }) });
    await expect(coke.find(stranger, 'x')).rejects.toThrow(/stranger.*register/);
    await expect(coke.find(stranger, 'x')).rejects.toThrow(TableNotRegisteredError);
  });

  test('without a context, or without an org in it, no query is sent', async () => {
    await expect(store.as(undefined as never).findMany(application)).rejects.toThrow(MissingContextError);
    await expect(store.as({ roles: ['tenant_admin'] }).findMany(application)).rejects.toThrow(MissingOrgIdError);
  });
});

describe('one record through its life', () => {
  test('an insert returns the exact values, also 64-bit numbers and bytes', async () => {
    const inserted = await coke.insert(appUsers, user('exact'));
    expect(inserted).toMatchObject({ ...user('exact'), revision: 1, deletedAt: null });
    expect(await coke.find(appUsers, 'exact')).toEqual(inserted);
  });

  test("org is filled in from the context, and the caller's object stays as it was", async () => {
    const record = Object.freeze({ id: 'filled', name: 'cool_app' });
    expect(await coke.insert(application, record)).toMatchObject({ orgId: 'Coke' });
  });

  test('an insert with an existing key names the key', async () => {
    await coke.insert(application, { id: 'taken', name: 'a' });
    const attempt = coke.insert(application, { id: 'taken', name: 'b' });
    await expect(attempt).rejects.toThrow(DuplicateRecordError);
    await expect(attempt).rejects.toThrow(/application.*taken/);
  });

  test('an update grows the revision by one and keeps created_at', async () => {
    const inserted = await coke.insert(application, { id: 'update', name: 'a' });
    const updated = await coke.update(application, { ...inserted, name: 'b', createdAt: new Date(0) });
    expect(updated).toMatchObject({ name: 'b', revision: 2, createdAt: inserted.createdAt });
    expect(updated.updatedAt.getTime()).toBeGreaterThanOrEqual(inserted.updatedAt.getTime());
  });

  test('a stale or future revision is refused and changes nothing', async () => {
    const inserted = await coke.insert(application, { id: 'stale', name: 'a' });
    await coke.update(application, { ...inserted, name: 'b' });
    for (const revision of [1, 100]) {
      await expect(coke.update(application, { ...inserted, revision, name: 'c' })).rejects.toThrow(
        RevisionConflictError,
      );
      await expect(coke.upsert(application, { ...inserted, revision, name: 'c' })).rejects.toThrow(
        RevisionConflictError,
      );
    }
    expect(await coke.find(application, 'stale')).toMatchObject({ name: 'b', revision: 2 });
  });

  test('of many concurrent updates at one revision exactly one wins', async () => {
    const inserted = await coke.insert(application, { id: 'race', name: 'start' });
    const results = await Promise.allSettled(
      Array.from({ length: 20 }, (_, index) => coke.update(application, { ...inserted, name: `writer ${index}` })),
    );
    const won = results.filter((result) => result.status === 'fulfilled');
    expect(won).toHaveLength(1);
    expect(
      results
        .filter((result) => result.status === 'rejected')
        .every((result) => result.reason instanceof RevisionConflictError),
    ).toBe(true);
    expect((await coke.find(application, 'race')).revision).toBe(2);
  });

  test('an update without a revision, or of a missing record, is refused', async () => {
    await coke.insert(application, { id: 'bare', name: 'a' });
    await expect(coke.update(application, { id: 'bare', name: 'b' } as never)).rejects.toThrow(InvalidRecordError);
    await expect(coke.update(application, { id: 'absent', name: 'b', revision: 1 })).rejects.toThrow(
      RecordNotFoundError,
    );
  });

  test('an upsert inserts at revision 1, then follows the revision rule, or none when it names none', async () => {
    expect(await coke.upsert(application, { id: 'upsert', name: 'a', revision: 0 })).toMatchObject({ revision: 1 });
    expect(await coke.upsert(application, { id: 'upsert', name: 'b', revision: 1 })).toMatchObject({
      name: 'b',
      revision: 2,
    });
    expect(await coke.upsert(application, { id: 'upsert', name: 'c' })).toMatchObject({ name: 'c', revision: 3 });
    await expect(coke.upsert(application, { id: 'upsert', name: 'd', revision: 0 })).rejects.toThrow(
      RevisionConflictError,
    );
  });

  test('an upsert at a revision of a missing or deleted record conflicts and creates nothing', async () => {
    const gone = await coke.insert(application, { id: 'gone', name: 'a' });
    await coke.delete(application, 'gone');
    for (const record of [
      { ...gone, name: 'b' },
      { id: 'never', name: 'b', revision: 7 },
    ]) {
      await expect(coke.upsert(application, record)).rejects.toThrow(RevisionConflictError);
      await expect(coke.find(application, record.id, { includeDeleted: true })).rejects.toThrow(RecordNotFoundError);
    }
  });

  test('a soft-deleted record is hidden, counts as changed, and comes back by upsert at its revision alone', async () => {
    await coke.insert(application, { id: 'soft', name: 'a' });
    expect(await coke.softDelete(application, 'soft')).toBe(1);
    expect(await coke.softDelete(application, 'soft')).toBe(0);
    await expect(coke.find(application, 'soft')).rejects.toThrow(RecordNotFoundError);
    await expect(coke.update(application, { id: 'soft', name: 'b', revision: 2 })).rejects.toThrow(RecordNotFoundError);
    await expect(coke.insert(application, { id: 'soft', name: 'b' })).rejects.toThrow(DuplicateRecordError);
    const hidden = await coke.find(application, 'soft', { includeDeleted: true });
    expect(hidden).toMatchObject({ revision: 2, deletedAt: expect.any(Date) });
    await expect(coke.upsert(application, { ...hidden, revision: 1 })).rejects.toThrow(RevisionConflictError);
    expect(await coke.upsert(application, hidden)).toMatchObject({ revision: 3, deletedAt: null });
  });

  test('a delete removes, soft-deleted or not, once; an expected revision is checked', async () => {
    await coke.insert(application, { id: 'gone', name: 'a' });
    await expect(coke.delete(application, 'gone', { revision: 5 })).rejects.toThrow(RevisionConflictError);
    await coke.softDelete(application, 'gone', { revision: 1 });
    expect(await coke.delete(application, 'gone')).toBe(1);
    expect(await coke.delete(application, 'gone')).toBe(0);
    expect(await coke.delete(application, 'gone', { revision: 3 })).toBe(0);
  });

  test('raw SQL obeys the revision rule too', async () => {
    await coke.insert(application, { id: 'raw', name: 'a' });
    await coke.transaction((tx) => tx.query(`update application set name = 'b' where id = 'raw'`));
    expect(await coke.find(application, 'raw')).toMatchObject({ name: 'b', revision: 2 });
    await expect(
      coke.transaction((tx) => tx.query(`update application set revision = 9 where id = 'raw'`)),
    ).rejects.toThrow(RevisionConflictError);
  });
});

describe('other orgs', () => {
  test('naming another org is refused before any SQL runs, and both ids are named', async () => {
    await coke.insert(application, { id: 'cokes', name: 'a' });
    const attempts = [
      pepsi.find(application, { id: 'cokes', orgId: 'Coke' }),
      pepsi.findMany(application, { where: { orgId: 'Coke' } }),
      pepsi.findMany(application, { where: { or: [{ orgId: { in: ['Coke'] } }] } }),
      pepsi.insert(application, { id: 'new', name: 'b', orgId: 'Coke' }),
      pepsi.delete(application, { id: 'cokes', orgId: 'Coke' }),
    ];
    for (const attempt of attempts) {
      await expect(attempt).rejects.toThrow(OperationNotAllowedError);
      await expect(attempt).rejects.toThrow(/Pepsi.*Coke/);
    }
    expect(await coke.find(application, 'cokes')).toMatchObject({ name: 'a' });
  });

  test('without naming it, the row is not found', async () => {
    await coke.insert(application, { id: 'hidden', name: 'a' });
    await expect(pepsi.find(application, 'hidden')).rejects.toThrow(RecordNotFoundError);
    expect(await pepsi.findMany(application, { where: { id: 'hidden' } })).toEqual([]);
    expect(await pepsi.delete(application, 'hidden')).toBe(0);
    expect(await pepsi.softDelete(application, 'hidden')).toBe(0);
  });

  test('two orgs have records of one key', async () => {
    await coke.insert(application, { id: 'same', name: 'coke' });
    await pepsi.insert(application, { id: 'same', name: 'pepsi' });
    expect((await coke.find(application, 'same')).name).toBe('coke');
    expect((await pepsi.find(application, 'same')).name).toBe('pepsi');
  });

  test('a caller that sees all orgs must say which when a key alone is not enough', async () => {
    const service = store.as(serviceAdmin);
    await coke.insert(application, { id: 'both', name: 'coke' });
    await pepsi.insert(application, { id: 'both', name: 'pepsi' });
    await expect(service.find(application, 'both')).rejects.toThrow(/name orgId/);
    await expect(service.delete(application, 'both')).rejects.toThrow(/name the orgId/);
    expect(await service.find(application, { id: 'both', orgId: 'Pepsi' })).toMatchObject({ name: 'pepsi' });
    expect(await service.delete(application, { id: 'both', orgId: 'Pepsi' })).toBe(1);
    expect(await service.findMany(application, { where: { id: 'both' } })).toMatchObject([{ orgId: 'Coke' }]);
  });

  test('a write by a reader is refused and nothing changes', async () => {
    const auditor = store.as(cokeAuditor);
    const stored = await coke.insert(application, { id: 'read-only', name: 'a' });
    await expect(auditor.insert(application, { id: 'foo', name: 'b' })).rejects.toThrow(OperationNotAllowedError);
    await expect(auditor.update(application, { ...stored, name: 'b' })).rejects.toThrow(OperationNotAllowedError);
    await expect(auditor.delete(application, 'read-only')).rejects.toThrow(OperationNotAllowedError);
    expect(await auditor.find(application, 'read-only')).toEqual(stored);
  });
});
