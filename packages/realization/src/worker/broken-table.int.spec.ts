import { withClient } from '@intendant/devdb/testing';
import { pino } from 'pino';
import { afterAll, expect, test } from 'vitest';
import { openFixture, pepsi, rule, vm } from '../testing/fixture.ts';
import { on } from './handler.ts';

const lines: { msg: string; table?: string }[] = [];
const logger = pino({ level: 'info' }, { write: (line: string) => void lines.push(JSON.parse(line)) });
const fixture = await openFixture({ tables: [vm, rule], logger });
afterAll(() => fixture[Symbol.asyncDispose]());

const count = (message: RegExp) => lines.filter(({ msg, table }) => table === 'vm' && message.test(msg)).length;
const admin = (sql: string) => withClient(fixture.adminUrl, (client) => client.query(sql));

test('a broken table is tried with growing delays and logged once, while the others continue', async () => {
  const intents = fixture.realization.as(pepsi);
  for (let index = 0; index < 20; index++)
    await intents.persistIntent(vm, { id: `VM${index}`, name: 'one' }, { enforcementPoints: ['E1'] });
  await admin('alter table vm rename column name to title');
  const worker = fixture.realization.worker({
    enforcementPoint: 'E1',
    handlers: [on(vm, { realize: async () => {} }), on(rule, { realize: async () => {} })],
  });
  await worker.start();
  for (let round = 0; round < 4; round++) {
    await intents.persistIntent(rule, { id: `R${round}`, port: 80 }, { enforcementPoints: ['E1'] });
    await intents.waitFor(rule, `R${round}`, { status: 'REALIZED', timeoutMs: 8_000 });
  }
  await expect.poll(() => count(/could not begin/), { timeout: 10_000 }).toBe(1);

  await admin('alter table vm rename column title to name');
  for (let index = 0; index < 20; index++)
    await intents.waitFor(vm, `VM${index}`, { status: 'REALIZED', timeoutMs: 20_000 });
  expect([count(/could not begin/), count(/can begin again/)]).toEqual([1, 1]);
  await worker.stop();
});
