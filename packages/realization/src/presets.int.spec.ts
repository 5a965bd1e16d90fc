import { createDataStore, defineTable } from '@intendant/core';
import { eventually, isOnCitus, withClient } from '@intendant/devdb/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { createRealization } from './index.ts';
import { type Fixture, onTestServer, openFixture, pepsi, ROLES } from './testing/fixture.ts';

const sample = defineTable('sample', {
  schema: z.object({
    id: z.string(),
    bytes: z.instanceof(Uint8Array),
    ratio: z.number(),
    at: z.date(),
    json: z.unknown(),
  }),
});
const values = {
  bytes: Uint8Array.from({ length: 256 }, (_, index) => index),
  ratio: 0.1 + 0.2,
  at: new Date('1925-03-04T05:06:07.089Z'),
  json: { ratio: 1e-7, text: "a\\'b" },
};

/** Each alone: together, one may hide what another does. */
const PRESETS = [
  ['bytea_output', 'escape'],
  ['extra_float_digits', '-15'],
  ['datestyle', 'German, DMY'],
  ['intervalstyle', 'sql_standard'],
  ['timezone', 'Asia/Kathmandu'],
  ['standard_conforming_strings', 'off'],
  ['array_nulls', 'off'],
  ['transform_null_equals', 'on'],
  ['quote_all_identifiers', 'on'],
  ['search_path', 'nowhere'],
  ['client_encoding', 'LATIN1'],
  ['default_transaction_deferrable', 'on'],
  ['lc_numeric', 'C'],
  ['plan_cache_mode', 'force_generic_plan'],
] as const;

let fixture: Fixture;
const fed = new Map<unknown, unknown>();
beforeAll(async () => {
  fixture = await openFixture({ tables: [sample], records: ['sample'] });
  await fixture.subscriptions?.subscribe('sample', async ({ key, record }) => void fed.set(key['id'], record));
});
afterAll(() => fixture[Symbol.asyncDispose]());

/** Citus needs to know the values of a query for more than one shard. */
const CITUS_REFUSES = 'plan_cache_mode';

test.each(PRESETS.filter(([name]) => !isOnCitus() || name !== CITUS_REFUSES))(
  'under %s = %s alone, records, feed, statuses and errors are as they were given',
  async (name, value) => {
    const login = new URL(fixture.url).username;
    const preset = (what: string) =>
      withClient(fixture.adminUrl, (client) => client.query(`alter role ${login} ${what}`));
    await preset(`set ${name} to ${value.includes(',') ? value : `'${value}'`}`);
    await using store = await createDataStore({
      connection: fixture.url,
      adminConnection: fixture.adminUrl,
      ...onTestServer,
    });
    await using realization = await createRealization({ store, subscriptions: undefined, maintenance: false });
    await realization.register([sample], { roles: ROLES });
    const r = realization.as(pepsi);
    const id = `NULL\\'"{}é€ ${name}`;
    const before = Date.now() - 60_000;
    const { record } = await r.persistIntent(sample, { id, ...values }, { enforcementPoints: ['E"1\\'] });
    expect(record).toMatchObject({ id, ...values });
    expect(await store.as(pepsi).find(sample, id)).toEqual(record);
    await r.markError(sample, record, 'E"1\\', "it\\'s é€");
    const details = (await r.statuses(sample, [id])).get(id);
    const status = { status: 'ERROR', additionalDetails: "ERROR it\\'s é€ at revision 1", revision: 1 };
    expect(details?.enforcement.get('E"1\\')).toMatchObject(status);
    expect(await r.getOverallStatusWithEnforcementDetails(sample, id)).toEqual(details);
    expect(details?.overall.updatedAt.getTime()).toBeGreaterThan(before);
    const [listed] = await r.list(sample, { where: { ratio: values.ratio, id }, status: 'ERROR' });
    expect(listed).toMatchObject({ record, overall: status });
    expect((await r.history(sample, id))[0]).toMatchObject({ status: 'ERROR', message: status.additionalDetails });
    await eventually(() => expect(fed.get(id)).toMatchObject({ id, ...values }));
    await preset(`reset ${name}`);
  },
);
