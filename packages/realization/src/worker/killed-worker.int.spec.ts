import { setTimeout as delay } from 'node:timers/promises';
import { atScale, eventually, isSoak } from '@intendant/devdb/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Fixture, openFixture, pepsi, vm } from '../testing/fixture.ts';
import { journalFile, killed, overlaps, readJournal, startProcess } from '../testing/processes.ts';

let fixture: Fixture;
beforeAll(async () => {
  fixture = await openFixture();
});
afterAll(() => fixture[Symbol.asyncDispose]());

const KILL_EVERY_MS = 1000;

const SECONDS = atScale(3, 60);
/** Enough that one is there to be killed while others start. */
const WORKERS = atScale(3, 8);

test('a worker killed in the middle of realize and started again still ends in REALIZED', async () => {
  const journal = journalFile();
  const start = (attemptMs: string) =>
    startProcess('./worker-process.ts', fixture, {
      POINTS: 'K1',
      JOURNAL: journal,
      ATTEMPT_MS: attemptMs,
      LEASE_MS: '1500',
    });
  const first = await start('60000');
  const r = fixture.realization.as(pepsi);
  await r.persistIntent(vm, { id: 'killed', name: 'one' }, { enforcementPoints: ['K1'] });
  await eventually(() => expect(readJournal(journal)).toHaveLength(1), { timeoutMs: 20_000 });
  await killed(first);
  expect(await r.getOverallStatus(vm, 'killed')).toBe('IN_PROGRESS');
  const second = await start('0');
  expect(await r.waitFor(vm, 'killed', { status: 'REALIZED', timeoutMs: 30_000 })).toBe('REALIZED');
  expect(readJournal(journal).map(({ step, pid }) => [step, pid === first.pid ? 'first' : 'second'])).toEqual([
    ['start', 'first'],
    ['start', 'second'],
    ['end', 'second'],
  ]);
  await killed(second);
}, 60_000);

test(
  `workers killed every second under load leave all realized, and no two attempts at once`,
  async () => {
    const journal = journalFile();
    const deaths = new Map<number, number>();
    const environment = { POINTS: 'S1,S2', JOURNAL: journal, ATTEMPT_MS: '30', LEASE_MS: '1500' };
    const start = () => startProcess('./worker-process.ts', fixture, environment);
    const workers = await Promise.all(Array.from({ length: WORKERS }, start));
    const r = fixture.realization.as(pepsi);
    const ids = Array.from({ length: 40 }, (_, index) => `soak-${index}`);
    const endsAt = Date.now() + SECONDS * 1000;
    let intents = 0;
    const persisting = (async () => {
      while (Date.now() < endsAt || intents <= ids.length) {
        const id = ids[Math.floor(Math.random() * ids.length)] as string;
        await r.persistIntent(vm, { id, name: `${intents++}` }, { enforcementPoints: ['S1', 'S2'] });
      }
    })();
    const replacements: Promise<unknown>[] = [];
    while (Date.now() < endsAt || deaths.size < 2) {
      await delay(KILL_EVERY_MS);
      const [victim] = workers.splice(Math.floor(Math.random() * workers.length), 1);
      if (!victim) continue;
      await killed(victim);
      deaths.set(victim.pid as number, Date.now());
      replacements.push(start().then((worker) => workers.push(worker)));
    }
    await Promise.all(replacements);
    await persisting;
    for (const id of ids) {
      const known = await r.getOverallStatus(vm, id).catch(() => undefined);
      if (known) await r.waitFor(vm, id, { status: 'REALIZED', timeoutMs: 30_000 });
    }
    for (const worker of workers) await killed(worker);
    expect(overlaps(readJournal(journal), deaths)).toEqual([]);
    if (isSoak)
      console.info({ seconds: SECONDS, intents, kills: deaths.size, attempts: readJournal(journal).length / 2 });
  },
  (SECONDS + 120) * 1000,
);
