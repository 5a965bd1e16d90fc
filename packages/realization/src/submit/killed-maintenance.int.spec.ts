import { setTimeout as delay } from 'node:timers/promises';
import { internalsOf } from '@intendant/core/internal';
import { atScale, eventually, isSoak } from '@intendant/devdb/testing';
import { expect, test } from 'vitest';
import { openFixture, pepsi, vm } from '../testing/fixture.ts';
import { killed, startProcess } from '../testing/processes.ts';

const INTENTS = atScale(600, 20_000);
const RESOURCES = 10;

test(
  'each submitted operation has its effect exactly once, although maintenance processes are killed again and again',
  async () => {
    await using fixture = await openFixture({ maintenance: false, poolSize: 16 });
    const r = fixture.realization.as(pepsi);
    const left = async (): Promise<number> => {
      const { rows } = await internalsOf(fixture.store).withAdmin((client) =>
        client.query('select count(*)::int as waiting from public.submitted_operation where not is_finished'),
      );
      return rows[0].waiting;
    };

    let submitted = 0;
    const submitting = Promise.all(
      Array.from({ length: RESOURCES }, async (_, resource) => {
        for (let turn = 0; turn < INTENTS / RESOURCES; turn++) {
          await r.submit.persistIntent(vm, { id: `VM${resource}`, name: `${turn}` }, { enforcementPoints: ['E1'] });
          submitted++;
        }
      }),
    );
    let kills = 0;
    const startedAt = performance.now();
    while (submitted < INTENTS || (await left()) > 0) {
      const maintainers = await Promise.all([0, 1].map(() => startProcess('./maintenance-process.ts', fixture, {})));
      await delay(500 + Math.random() * 1500);
      await Promise.all(maintainers.map(killed));
      kills += maintainers.length;
    }
    await submitting;
    await eventually(async () => expect(await left()).toBe(0), { timeoutMs: 20_000 });
    if (isSoak) console.info({ submitted, kills, seconds: (performance.now() - startedAt) / 1000 });
    expect(kills).toBeGreaterThan(1);
    // An intent without a revision replaces what is there, so each that is carried out counts one revision up.
    for (const { revision } of await fixture.store.as(pepsi).findMany(vm)) expect(revision).toBe(INTENTS / RESOURCES);
    expect(await fixture.store.as(pepsi).count(vm)).toBe(RESOURCES);
  },
  120_000 + INTENTS * 20,
);
