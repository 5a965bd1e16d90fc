import fc from 'fast-check';
import { z } from 'zod';
import { DB_ROLES, defineTable } from '../index.ts';
import type { ModelTable } from './store-model.ts';

const ORGS_PER_CLIENT = 15;

const schema = z.object({ id: z.string(), value: z.int() });
export const tables = {
  tenanted: defineTable('tenanted', { schema, indexes: [['value']] }),
  both: defineTable('both', { schema, instanced: true }),
  instanced: defineTable('instanced', { schema, tenancy: 'shared', instanced: true }),
  plain: defineTable('plain', { schema, revisioned: false, softDelete: false }),
};
export const modelTables: readonly ModelTable[] = Object.values(tables).map(
  ({ name, tenancy, instanced, revisioned, softDelete }) => ({
    name,
    tenanted: tenancy === 'tenant',
    instanced,
    revisioned,
    softDelete,
  }),
);

/** Most operations are in two of a client's orgs and on three keys, so that they conflict; the other orgs must not change. */
const small = fc.integer({ min: 0, max: 5 });
const org = fc.oneof({ weight: 3, arbitrary: fc.nat(1) }, { weight: 1, arbitrary: fc.nat(ORGS_PER_CLIENT - 1) });
const instance = fc.oneof(
  { weight: 3, arbitrary: fc.constant('Americas') },
  { weight: 1, arbitrary: fc.constantFrom('Europe', 'Asia') },
);
const writers = DB_ROLES.filter((role) => role.endsWith('writer'));
const role = fc.oneof(fc.constantFrom(...DB_ROLES), fc.constantFrom(...writers));
const caller = fc.record({ org, instance, role });
const place = {
  table: fc.constantFrom(...modelTables),
  id: fc.nat(2),
  value: fc.integer({ min: -9, max: 9 }),
  revision: fc.option(fc.integer({ min: 1, max: 4 })),
};
const named = {
  orgId: fc.option(org, { freq: 3 }),
  instanceId: fc.option(instance, { freq: 3 }),
};
const single = fc.record({
  kind: fc.constantFrom(
    'insert',
    'update',
    'update',
    'upsert',
    'softDelete',
    'delete',
    'find',
    'find',
    'findMany',
    'count',
    'insertMany',
    'deleteMany',
  ),
  ...place,
  ...named,
  includeDeleted: fc.boolean(),
  usesStoredRevision: fc.boolean(),
  limit: fc.integer({ min: 0, max: 7 }),
  offset: small,
  isDescending: fc.boolean(),
});
/** One transaction, or operations one after the other, of one caller. */
export const step = fc.record({
  caller,
  operations: fc.array(single, { minLength: 1, maxLength: 6 }),
  isTransaction: fc.boolean(),
  fails: fc.boolean(),
});
export type Operation = typeof single extends fc.Arbitrary<infer T> ? T : never;
export type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;
