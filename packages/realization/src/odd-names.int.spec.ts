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

describe('names and keys that need care go through intent, job, worker and feed', () => {
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
    await using _ = await subscriptions.subscribe(table, ({ key }) => void changed.push(key));
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
