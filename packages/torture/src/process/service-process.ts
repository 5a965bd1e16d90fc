/** A service: runs tenants' operations, one after the other in a few loops, and records each outcome in the history. */
import { setTimeout as delay } from 'node:timers/promises';
import { type Random, randomFrom } from '../random.ts';
import { Client } from './client.ts';
import { openSystem, type System } from './open-system.ts';
import { ServiceOperations } from './service-operations.ts';

const LOOPS = 3;

await openSystem(async (system) => {
  const random = randomFrom(system.settings.seed, `${system.settings.name} ${process.pid}`);
  const operations = new ServiceOperations(system, new Client(system), random);
  for (let loop = 0; loop < LOOPS; loop++) void repeat(system, random, () => operations.change());
  void repeat(system, random, () => operations.mark());
});

async function repeat({ settings }: System, random: Random, run: () => Promise<void>): Promise<never> {
  for (;;) {
    await run();
    await delay(random.between(0, 2 * settings.paceMs));
  }
}
