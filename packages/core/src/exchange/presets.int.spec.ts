import {
  cannotHoldOnCitus,
  eventually,
  type PgBouncer,
  startPgBouncer,
  whyNoPgBouncer,
  withClient,
} from '@intendant/devdb/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { auditIsolation, createDataStore, type DataStore, defineTable, OperationCancelledError } from '../index.ts';
import { cokeAdmin, onTestServer, openTestStore, TENANT_ROLES } from '../testing/fixtures.ts';

/** Each makes another text of some value, or another meaning of some statement. */
const PRESETS = {
  bytea_output: 'escape',
  extra_float_digits: '-15',
  datestyle: 'German, DMY',
  intervalstyle: 'iso_8601',
  timezone: 'Europe/Amsterdam',
  standard_conforming_strings: 'off',
  backslash_quote: 'on',
  array_nulls: 'off',
  transform_null_equals: 'on',
  client_encoding: 'LATIN1',
  row_security: 'off',
  quote_all_identifiers: 'on',
  default_transaction_isolation: 'serializable',
  search_path: 'nowhere',
  lc_numeric: 'C',
  lc_time: 'C',
  lc_monetary: 'C',
  check_function_bodies: 'off',
  escape_string_warning: 'off',
  default_toast_compression: 'pglz',
  default_transaction_read_only: 'off',
  default_transaction_deferrable: 'on',
  lock_timeout: '2s',
  statement_timeout: '3s',
  plan_cache_mode: 'force_custom_plan',
  enable_partition_pruning: 'off',
  synchronous_commit: 'off',
  xmlbinary: 'hex',
  jit: 'on',
};

const sample = defineTable('sample', {
  schema: z.object({
    id: z.string(),
    bytes: z.instanceof(Uint8Array),
    ratio: z.number(),
    at: z.date(),
    count: z.bigint(),
    json: z.object({ ratio: z.number(), text: z.string() }),
    note: z.string().nullable(),
    made: z.date(),
  }),
  indexes: [
    { fields: ['note'], unique: true },
    { fields: ['count'], where: `note <> 'a'` },
  ],
  defaults: { made: `timestamptz '2020-01-02 03:04:05+00' + interval '1 day'` },
});
const makeSample = (id: string, ratio: number) => ({
  id,
  bytes: Uint8Array.from({ length: 256 }, (_, index) => index),
  ratio,
  at: new Date('1925-03-04T05:06:07.089Z'),
  count: -(2n ** 63n),
  json: { ratio: 0.1 + 0.2, text: "a\\'b" },
  note: null,
});
const samples = [0.1 + 0.2, -0, Number.MIN_VALUE, Number.MAX_VALUE, -1.1e-7].map((ratio, index) =>
  makeSample(`NULL\\'é€ ${index}`, ratio),
);

const ways = [
  { what: 'a connection of its own', pooler: undefined },
  { what: 'PgBouncer, which refuses startup options', pooler: {} },
  { what: 'PgBouncer, which is told to ignore them', pooler: { ignore_startup_parameters: 'options' } },
];

describe.skipIf(cannotHoldOnCitus('presets of the nodes apply to the connections of the coordinator')).each(ways)(
  'under hostile presets, through $what',
  ({ pooler: settings }) => {
    const reason = settings && whyNoPgBouncer();

    describe.skipIf(reason)(reason ? `skipped: ${reason}` : 'all holds', () => {
      let fixture: Awaited<ReturnType<typeof openTestStore>>;
      let pooler: PgBouncer | undefined;
      let store: DataStore;

      beforeAll(async () => {
        fixture = await openTestStore();
        const { name, adminUrl } = fixture.database;
        const presets = Object.entries(PRESETS).map(([setting, value], index) =>
          index % 2 === 0
            ? `alter database ${name} set ${setting} to ${value.includes(',') ? value : `'${value}'`}`
            : `alter role app_${name} in database ${name} set ${setting} to '${value}'`,
        );
        await withClient(adminUrl, (client) => client.query(presets.join('; ')));
        pooler = settings && (await startPgBouncer(fixture.database, settings));
        store = await createDataStore({
          ...onTestServer,
          connection: pooler?.url ?? fixture.database.url,
          adminConnection: adminUrl,
          pool: { namedStatements: !pooler, statementTimeoutMs: 5_000 },
        });
      });
      afterAll(async () => {
        await store?.close();
        await pooler?.[Symbol.asyncDispose]();
        await fixture?.[Symbol.asyncDispose]();
      });

      test('values come back exactly, however they are read and written', async () => {
        await store.register([sample], { roles: TENANT_ROLES });
        expect(await store.planSchema()).toEqual([]);
        await store.register([sample], { roles: TENANT_ROLES });
        expect(await auditIsolation(store)).toEqual([
          expect.objectContaining({ rule: 'preset', message: expect.stringContaining('row_security') }),
        ]);
        const session = store.as(cokeAdmin);
        const expected = samples.map((record) => expect.objectContaining(record));
        expect(await session.insertMany(sample, samples)).toEqual(expected);
        const found = await session.findMany(sample, { orderBy: { id: 'asc' } });
        expect(found).toEqual(expected);
        for (const record of found) expect(await session.update(sample, record)).toMatchObject({ ratio: record.ratio });
        const streamed = [];
        for await (const record of session.stream(sample, { limit: 2, orderBy: { id: 'asc' } })) streamed.push(record);
        expect(streamed).toEqual(expected);
        for (const { id, ratio } of samples) {
          expect(await session.find(sample, id)).toMatchObject({ ratio, note: null });
          expect(await session.findMany(sample, { where: { ratio } })).toMatchObject([{ id }]);
        }
      });

      test('values come back exactly in transactions, from SQL of your own too', async () => {
        await store.as(cokeAdmin).transaction(async (tx) => {
          const { rows } = await tx.query('select bytes, ratio, at, count::text from public.sample order by id');
          const stored = samples.map(({ bytes, ratio, at, count }) => ({
            bytes: Buffer.from(bytes),
            ratio,
            at,
            count: String(count),
          }));
          expect(rows).toEqual(stored);
          expect(await tx.findMany(sample)).toHaveLength(samples.length);
          expect((await tx.query('show jit')).rows).toEqual([{ jit: 'off' }]); // Cheap plans with a high estimate are not compiled.
          const { rows: client } = await tx.client.query(
            "select interval '1 day 2 hours' as wait, '\\x'::text as text",
          );
          expect(client[0]).toMatchObject({ wait: { days: 1, hours: 2 }, text: '\\x' });
        });
        // Raw SQL resets the connection, whose encoding a pooler does not restore.
        expect(await store.as(cokeAdmin).transaction((tx) => tx.findMany(sample))).toHaveLength(samples.length);
      });

      test('many writers of one record do not block each other', async () => {
        const session = store.as(cokeAdmin);
        const writes = Array.from({ length: 20 }, (_, index) => session.upsert(sample, makeSample('same', index)));
        expect(await Promise.all(writes)).toHaveLength(20);
      });

      test('a statement that takes longer than statementTimeoutMs is cancelled, and says so', async () => {
        const slow = await createDataStore({
          ...onTestServer,
          connection: pooler?.url ?? fixture.database.url,
          adminConnection: fixture.database.adminUrl,
          pool: { namedStatements: !pooler, statementTimeoutMs: 50 },
        });
        await slow.register([sample], { roles: TENANT_ROLES });
        await expect(slow.as(cokeAdmin).transaction((tx) => tx.query('select pg_sleep(10)'))).rejects.toThrow(
          OperationCancelledError,
        );
        await slow.close();
      });
    });
  },
);

const noPooler = cannotHoldOnCitus('a preset of a node applies to connections of the coordinator')
  ? 'presets on Citus'
  : whyNoPgBouncer();

describe.skipIf(noPooler)(noPooler ? `skipped: ${noPooler}` : 'a pooler', () => {
  const levels = defineTable('levels', {
    schema: z.object({ id: z.string(), level: z.string() }),
    defaults: { level: "current_setting('transaction_isolation')" },
  });

  test('a default isolation level that somebody sets while the store is open does not become the level of statements', async () => {
    await using fixture = await openTestStore();
    const { name, adminUrl } = fixture.database;
    await using pooler = await startPgBouncer(fixture.database);
    await using store = await createDataStore({
      ...onTestServer,
      connection: pooler.url,
      adminConnection: adminUrl,
      pool: { namedStatements: false },
    });
    await store.register([levels], { roles: TENANT_ROLES });
    const session = store.as(cokeAdmin);
    await session.insert(levels, { id: 'before' });
    await withClient(adminUrl, async (client) => {
      await client.query(
        `alter role app_${name} in database ${name} set default_transaction_isolation to 'serializable'`,
      );
      await client.query(`select pg_terminate_backend(pid, 5000) from pg_stat_activity where usename = 'app_${name}'`);
    });
    const level = () => session.upsert(levels, { id: 'after' }).then((record) => record.level);
    await eventually(async () => expect(await level()).toBe('read committed'), { timeoutMs: 20_000 });
  });
});
