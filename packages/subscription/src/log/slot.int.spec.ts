import { testDatabase, withClient } from '@intendant/devdb/testing';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { identityOf, SLOT_OF_ENTRY, slotOf } from './slot.ts';

const database = await testDatabase();
afterAll(() => database.drop());

/** What Postgres can hold. */
const text = fc.string({ unit: 'grapheme', maxLength: 12 }).filter((value) => !value.includes('\0'));
const entry = fc.record({
  org_id: fc.option(text),
  instance_id: fc.option(text),
  key: fc.array(text, { minLength: 1, maxLength: 3 }),
});

test('the database and this package compute the same slot for every row', async () => {
  const entries = fc.sample(entry, 2_000);
  const inDatabase = await withClient(database.adminUrl, async (client) => {
    const { rows } = await client.query<{ slot: number }>(
      `select ${SLOT_OF_ENTRY} as slot from jsonb_to_recordset($1::jsonb) e(org_id text, instance_id text, key text[])`,
      [JSON.stringify(entries)],
    );
    return rows.map(({ slot }) => slot);
  });
  expect(inDatabase).toEqual(entries.map((e) => slotOf(identityOf(e.org_id, e.instance_id, e.key))));
  expect(new Set(inDatabase).size).toBe(32);
});
