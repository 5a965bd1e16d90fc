import { expectTypeOf, test } from 'vitest';
import { z } from 'zod';
import {
  createDataStore,
  defineTable,
  JwtAuthorizer,
  type JwtContext,
  type KeyOf,
  type MetadataContext,
  type NewRecordOf,
  type RecordOf,
  type Session,
  SimpleInstancer,
  type Transaction,
} from '../index.ts';

/*
 * What must not compile stands under @ts-expect-error: the type checker fails the build where it does compile. Nothing
 * here runs.
 */
const vm = defineTable('vm', {
  schema: z.object({
    id: z.string(),
    name: z.string(),
    region: z.string().nullable(),
    note: z.string().optional(),
    cores: z.int().default(1),
    size: z.bigint(),
    kind: z.enum(['small', 'large']),
    labels: z.record(z.string(), z.string()),
    bytes: z.instanceof(Uint8Array),
  }),
  instanced: true,
  indexes: [['region', 'kind']],
});
const plain = defineTable('plain', {
  schema: z.object({ zone: z.string(), number: z.int() }),
  key: ['zone', 'number'],
  tenancy: 'shared',
  revisioned: false,
  softDelete: false,
});
declare const session: Session;
declare const tx: Transaction;
const neverRuns = (_compiled: () => unknown): void => {};
const record = {
  id: 'a',
  name: 'a',
  region: null,
  size: 1n,
  kind: 'small' as const,
  labels: {},
  bytes: new Uint8Array(),
};

test('a record has the schema’s fields and just those of the framework’s that its table has', () => {
  expectTypeOf<RecordOf<typeof vm>>().toEqualTypeOf<{
    id: string;
    name: string;
    region: string | null;
    note?: string | undefined;
    cores: number;
    size: bigint;
    kind: 'small' | 'large';
    labels: Record<string, string>;
    bytes: Uint8Array<ArrayBuffer>;
    orgId: string;
    instanceId: string;
    revision: number;
    createdAt: Date;
    updatedAt: Date;
    deletedAt: Date | null;
  }>();
  expectTypeOf<RecordOf<typeof plain>>().toEqualTypeOf<{
    zone: string;
    number: number;
    createdAt: Date;
    updatedAt: Date;
  }>();
  expectTypeOf<KeyOf<typeof plain>>().toEqualTypeOf<{ zone: string; number: number }>();
  expectTypeOf<RecordOf<typeof vm>>().toExtend<NewRecordOf<typeof vm>>();
  neverRuns(async () => {
    expectTypeOf(session.find(vm, 'a')).resolves.toEqualTypeOf<RecordOf<typeof vm>>();
    expectTypeOf(session.findMany(plain)).resolves.toEqualTypeOf<RecordOf<typeof plain>[]>();
    expectTypeOf(tx.insert(vm, record)).resolves.toEqualTypeOf<RecordOf<typeof vm>>();
    expectTypeOf(session.softDelete(vm, 'a')).resolves.toEqualTypeOf<number>();
    expectTypeOf(session.stream(plain)).toEqualTypeOf<AsyncGenerator<RecordOf<typeof plain>, void, undefined>>();
  });
});

test('a wrong definition does not compile', () => {
  neverRuns(async () => {
    // @ts-expect-error: no such column
    defineTable('x', { schema: z.object({ id: z.string() }), key: ['nope'] });
    // @ts-expect-error: no such column
    defineTable('x', { schema: z.object({ id: z.string() }), indexes: [['nope']] });
    // @ts-expect-error: no such tenancy
    defineTable('x', { schema: z.object({ id: z.string() }), tenancy: 'private' });
    // @ts-expect-error: no object
    defineTable('x', { schema: z.string() });
  });
});

test('a wrong record does not compile', () => {
  neverRuns(async () => {
    await session.insert(vm, record);
    await session.insert(vm, { ...record, cores: 2, note: 'x', orgId: 'Coke', revision: 3 });
    // @ts-expect-error: a column is missing
    await session.insert(vm, { id: 'a' });
    // @ts-expect-error: no such column
    await session.insert(vm, { ...record, nope: 1 });
    // @ts-expect-error: wrong type
    await session.insert(vm, { ...record, size: 1 });
    // @ts-expect-error: null where it must not be
    await session.insert(vm, { ...record, name: null });
    // @ts-expect-error: no such value
    await session.insert(vm, { ...record, kind: 'medium' });
    // @ts-expect-error: no such column
    await session.insertMany(vm, [{ ...record, nope: 1 }]);
    await session.update(vm, { ...record, revision: 1 });
    // @ts-expect-error: an update carries a revision
    await session.update(vm, record);
    await session.update(plain, { zone: 'a', number: 1 });
    // @ts-expect-error: the table has no revision
    await session.update(plain, { zone: 'a', number: 1, revision: 1 });
  });
});

test('a wrong key does not compile', () => {
  neverRuns(async () => {
    await session.find(vm, { id: 'a', orgId: 'Coke', instanceId: 'Americas' });
    await session.find(plain, { zone: 'a', number: 1 });
    // @ts-expect-error: wrong type
    await session.find(vm, 1);
    // @ts-expect-error: no such key column
    await session.find(vm, { name: 'a' });
    // @ts-expect-error: a key column is missing
    await session.delete(plain, { zone: 'a' });
    // @ts-expect-error: the key has several columns
    await session.softDelete(plain, 'a');
    // @ts-expect-error: the table has no orgs
    await session.find(plain, { zone: 'a', number: 1, orgId: 'Coke' });
  });
});

test('a wrong filter or order does not compile', () => {
  neverRuns(async () => {
    await session.findMany(vm, {
      where: { region: null, cores: { gt: 1 }, size: { in: [1n] }, or: [{ kind: 'small' }, { note: { ne: null } }] },
    });
    await session.findMany(vm, { orderBy: { createdAt: 'desc', name: 'asc' } });
    await session.findMany(vm, { orderBy: [{ name: 'asc' }, { size: 'desc' }] });
    // @ts-expect-error: no such column
    await session.findMany(vm, { where: { nope: 1 } });
    // @ts-expect-error: wrong type
    await session.findMany(vm, { where: { cores: 'a' } });
    // @ts-expect-error: wrong type in a list
    await session.findMany(vm, { where: { size: { in: [1] } } });
    // @ts-expect-error: no such comparison
    await session.findMany(vm, { where: { cores: { near: 1 } } });
    // @ts-expect-error: like is for text
    await session.findMany(vm, { where: { cores: { like: '1%' } } });
    // @ts-expect-error: no such value
    await session.count(vm, { where: { kind: 'medium' } });
    // @ts-expect-error: no such column, within or
    await session.deleteMany(vm, { where: { or: [{ nope: 1 }] } });
    // @ts-expect-error: a filter must be given
    await session.deleteMany(vm, {});
    // @ts-expect-error: no such column
    await session.findMany(vm, { orderBy: { nope: 'asc' } });
    // @ts-expect-error: no such direction
    await session.findMany(vm, { orderBy: { name: 'up' } });
    // @ts-expect-error: the table has no deletedAt
    await session.findMany(plain, { where: { deletedAt: null } });
    // @ts-expect-error: a stream has no offset
    void session.stream(vm, { offset: 1 });
  });
});

test('a store takes the contexts of its authorizer, whatever its instancer reads of them', () => {
  const instancer = new SimpleInstancer();
  neverRuns(async () => {
    expectTypeOf((await createDataStore({ connection: '', instancer })).as)
      .parameter(0)
      .toEqualTypeOf<MetadataContext>();
    const authorizer = new JwtAuthorizer({ jwks: '', issuer: '', audience: '' });
    const store = await createDataStore({ connection: '', authorizer, instancer });
    expectTypeOf(store.as).parameter(0).toEqualTypeOf<JwtContext>();
    // @ts-expect-error: no context that was verified
    store.as({ orgId: 'Coke' });
  });
});
