import { internalsOf } from '@intendant/core/internal';
import { atScale, eventually, isSoak } from '@intendant/devdb/testing';
import { expect, test } from 'vitest';
import { openFixture, pepsi, vm } from '../testing/fixture.ts';
import { killed, startProcess } from '../testing/processes.ts';

const INTENTS = atScale(200, 20_000);
const RESOURCES = 10;
/** The share of the operations after which processes are killed, at most. */
const KILL_AFTER_AT_MOST = atScale(0.3, 0.02);

test(
  'each submitted operation has its effect exactly once, although maintenance processes are killed again and again',
  async () => {
    await using fixture = await openFixture({ maintenance: false, poolSize: 16 });
    const r = fixture.realization.as(pepsi);
    const finished = async (): Promise<number> => {
      const { rows } = await internalsOf(fixture.store).withAdmin((client) =>
        client.query('select count(*)::int as finished from intendant.submitted_operation where is_finished'),
      );
      return rows[0].finished;
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
    for (let done = 0; done < INTENTS; done = await finished()) {
      const maintainers = await Promise.all([0, 1].map(() => startProcess('./maintenance-process.ts', fixture, {})));
      const killedAt = Math.min(INTENTS, done + 1 + Math.floor(Math.random() * INTENTS * KILL_AFTER_AT_MOST));
      await eventually(async () => expect(await finished()).toBeGreaterThanOrEqual(killedAt), { timeoutMs: 60_000 });
      await Promise.all(maintainers.map(killed));
      kills += maintainers.length;
    }
    await submitting;
    if (isSoak) console.info({ submitted, kills, seconds: (performance.now() - startedAt) / 1000 });
    expect(kills).toBeGreaterThan(1);
    // An intent without a revision replaces what is there, so each that is carried out counts one revision up.
    for (const { revision } of await fixture.store.as(pepsi).findMany(vm)) expect(revision).toBe(INTENTS / RESOURCES);
    expect(await fixture.store.as(pepsi).count(vm)).toBe(RESOURCES);
  },
  120_000 + INTENTS * 60,
);
