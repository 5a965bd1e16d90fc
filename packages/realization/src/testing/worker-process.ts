/**
 * A worker in a process of its own, for tests that kill it. Its settings are in the environment. Each attempt writes
 * its start and its end as a line to a file: what was enforced, when, and by which worker.
 */
import { appendFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { createDataStore } from '@intendant/core';
import { createSubscriptions } from '@intendant/subscription';
import { createRealization, on } from '../index.ts';
import { feedThere, onTestServer, ROLES, vm } from './fixture.ts';

const {
  DATABASE = '',
  ADMIN_DATABASE = '',
  POINTS = 'E1',
  JOURNAL = '/dev/null',
  ATTEMPT_MS = '0',
  LEASE_MS = '9000',
  CONCURRENCY = '16',
  POLL_MS = '2000',
} = process.env;

const store = await createDataStore({
  connection: DATABASE,
  adminConnection: ADMIN_DATABASE,
  ...onTestServer,
  pool: { max: 4 },
});
const subscriptions = await createSubscriptions({ store, ...feedThere });
const realization = await createRealization({ store, subscriptions });
await realization.register([vm], { roles: ROLES });

/** Prevents the sweep from adding the jobs whose absence a test looks for. */
const NO_SWEEP_MS = 86_400_000;

const write = (step: string, point: string, identity: string, revision: number): void =>
  appendFileSync(JOURNAL, `${JSON.stringify({ step, point, identity, revision, pid: process.pid, at: Date.now() })}\n`);

for (const point of POINTS.split(',')) {
  const attempt = async ({
    orgId,
    key,
    revision,
  }: {
    orgId: string | undefined;
    key: unknown;
    revision: number;
  }): Promise<void> => {
    const identity = `${orgId} ${JSON.stringify(key)}`;
    write('start', point, identity, revision);
    await delay(Number(ATTEMPT_MS) * (0.5 + Math.random()));
    write('end', point, identity, revision);
  };
  const worker = realization.worker({
    enforcementPoint: point,
    handlers: [on(vm, { realize: attempt, unrealize: attempt })],
    leaseMs: Number(LEASE_MS),
    concurrency: Number(CONCURRENCY),
    pollIntervalMs: Number(POLL_MS),
    sweepIntervalMs: NO_SWEEP_MS,
  });
  await worker.start();
}

process.send?.('ready');
process.on('disconnect', () => process.exit(0));
process.on(
  'SIGTERM',
  () =>
    void realization
      .close()
      .then(() => store.close())
      .then(() => process.exit(0)),
);
