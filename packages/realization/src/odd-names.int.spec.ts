import { defineTable } from '@intendant/core';
import { eventually } from '@intendant/devdb/testing';
import { afterAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { on } from './index.ts';
import { openFixture, pepsi, ROLES } from './testing/fixture.ts';

const fixture = await openFixture({ tables: [] });
const { realization, subscriptions } = fixture;
afterAll(() => fixture[Symbol.asyncDispose]());

const KEY = {
  group: `g'"\\,{}\u{1f600}\n`,
  'Ünï"q': 2n ** 62n + 1n,
  at: new Date('2026-01-02T03:04:05.678Z'),
  digest: new Uint8Array([0, 255, 34]),
  num: -5,
};
const POINT = `E"'\\\u{1f4a5}`;
const schema = z.object({
  group: z.string(),
  'Ünï"q': z.bigint(),
  at: z.date(),
  digest: z.instanceof(Uint8Array),
  num: z.int(),
  table: z.string(),
});

describe('names and keys with special characters work in intents, jobs, workers and the feed', () => {
  test.each(['order', `a"b'c, d`, 'Größe with space', `${'y'.repeat(61)}ü`])('%s', async (name) => {
    const table = defineTable(name, { schema, key: ['group', 'Ünï"q', 'at', 'digest', 'num'] });
    await realization.register([table], { roles: ROLES });
    const intents = realization.as(pepsi);
    const calls: unknown[] = [];
    const worker = realization.worker({
      enforcementPoint: POINT,
      handlers: [
        on(table, {
          realize: async ({ key }) => void calls.push(['realize', key]),
          unrealize: async ({ key }) => void calls.push(['unrealize', key]),
        }),
      ],
    });
    const changed: unknown[] = [];
    await using _ = await subscriptions?.subscribe(table, ({ key }) => void changed.push(key));
    await worker.start();
    await intents.persistIntent(table, { ...KEY, table: 'v' }, { enforcementPoints: [POINT] });
    await intents.waitFor(table, KEY, { status: 'REALIZED', timeoutMs: 20_000 });
    await intents.softDelete(table, KEY);
    await intents.waitFor(table, KEY, { status: 'DELETION_REALIZED', timeoutMs: 20_000 });
    expect(calls).toEqual([
      ['realize', KEY],
      ['unrealize', KEY],
    ]);
    expect((await intents.history(table, KEY)).map(({ status }) => status)).toEqual([
      'DELETION_REALIZED',
      'DELETION_IN_PROGRESS',
      'DELETION_PENDING',
      'REALIZED',
      'IN_PROGRESS',
      'PENDING',
    ]);
    expect(await intents.summary([table])).toEqual([
      { table: name, overall: { DELETION_REALIZED: 1 }, points: new Map([[POINT, { DELETION_REALIZED: 1 }]]) },
    ]);
    const submitted = await intents.submit.persistIntent(
      table,
      { ...KEY, table: 'again' },
      { selector: { odd: `l'"` } },
    );
    expect((await submitted.result({ timeoutMs: 20_000 })).record).toMatchObject({
      ...KEY,
      table: 'again',
      revision: 3,
    });
    const rollout = await realization.points.add({ id: `${POINT} ${name}`, labels: { odd: `l'"` }, tables: [table] });
    expect(await rollout.finished({ timeoutMs: 20_000 })).toMatchObject({ total: 1, done: 1 });
    await eventually(() => expect(changed.slice(0, 2)).toEqual([KEY, KEY]));
    await worker.stop();
  });
});

/** Names that statements, functions and variables of the framework use, or used in the past. */
const NAMES_OF_OURS = [
  ...['action', 'status', 'note', 'point', 'ordinal', 'slot', 'text', 'details', 'verdict', 'item', 'known', 'own'],
  ...[
    'stored',
    'identity',
    'job_key',
    'wanted',
    'current_revision',
    'item_revision',
    'is_alive',
    'is_known',
    'attempt_',
    'id',
  ],
];

test('key columns with the framework’s own names work throughout, also in failure and removal', async () => {
  const shape = Object.fromEntries(NAMES_OF_OURS.map((name) => [name, z.string()]));
  const table = defineTable('ours', { schema: z.object(shape), key: NAMES_OF_OURS as never });
  await realization.register([table] as never, { roles: ROLES });
  const key = Object.fromEntries(NAMES_OF_OURS.map((name) => [name, `the ${name}`])) as never;
  const r = realization.as(pepsi);
  await using worker = realization.worker({
    enforcementPoint: 'own',
    handlers: [on(table as never, { realize: async () => {} })],
  });
  await r.persistIntent(table as never, key, { enforcementPoints: ['own', 'point'] });
  await worker.start();
  const reference = { ...(key as object), revision: 1 } as never;
  await r.markError(table as never, reference, 'point', new Error('no'));
  expect(await r.waitFor(table as never, key, { status: 'ERROR', timeoutMs: 10_000 })).toBe('ERROR');
  await r.markSuccess(table as never, [reference], 'point');
  expect(await r.waitFor(table as never, key, { status: 'REALIZED', timeoutMs: 10_000 })).toBe('REALIZED');
  await r.softDelete(table as never, key);
  await r.markDeletionRealized(table as never, { ...(key as object), revision: 2 } as never, 'point');
  expect(await r.waitFor(table as never, key, { status: 'DELETION_REALIZED', timeoutMs: 10_000 })).toBe(
    'DELETION_REALIZED',
  );
});

test('a key column that is called as the statements call their values is refused', async () => {
  const table = defineTable('refused', { schema: z.object({ intendant_point: z.string() }), key: ['intendant_point'] });
  await expect(realization.register([table], { roles: ROLES })).rejects.toThrow(/rename it/);
});
