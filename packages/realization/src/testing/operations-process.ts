/**
 * Random operations on few resources and many points, in a process of its own. Refusals by the rules are expected; any
 * other error ends the process.
 */
import { createDataStore, MarkingFailedError, RecordNotFoundError, RevisionConflictError } from '@intendant/core';
import { createRealization } from '../index.ts';
import { onTestServer, pepsi, ROLES, vm } from './fixture.ts';
import { randomFrom } from './random.ts';

const { DATABASE = '', ADMIN_DATABASE = '', OPERATIONS = '100', SEED = '1' } = process.env;
const RESOURCES = 6;
const POINTS = 8;

const store = await createDataStore({
  connection: DATABASE,
  adminConnection: ADMIN_DATABASE,
  ...onTestServer,
  pool: { max: 4 },
});
const realization = await createRealization({ store, subscriptions: undefined });
await realization.register([vm], { roles: ROLES });
const r = realization.as(pepsi);
const random = randomFrom(Number(SEED));
const below = (limit: number): number => Math.floor(random() * limit);
const anyId = (): string => `R${below(RESOURCES)}`;
const anyPoint = (): string => `P${below(POINTS)}`;
const anyPoints = (): string[] => Array.from({ length: below(4) }, anyPoint);

/** Mostly the current revision, sometimes one that is stale or does not exist. */
async function anyReference(id = anyId()): Promise<{ id: string; revision: number }> {
  const { overall } = await r.getOverallStatusWithEnforcementDetails(vm, id);
  return { id, revision: Math.max(1, overall.revision + (random() < 0.9 ? 0 : below(3) - 1)) };
}

const MARKS = [
  r.markPending,
  r.markInProgress,
  r.markSuccess,
  r.markSuccess,
  r.markSuccess,
  r.markDeletionPending,
  r.markDeletionInProgress,
  r.markDeletionRealized,
];

async function anyMark(): Promise<unknown> {
  const point = anyPoint();
  if (random() < 0.1) return r.markError(vm, await anyReference(), point, 'at random');
  if (random() < 0.1) return r.markDeletionError(vm, await anyReference(), point, 'at random');
  const mark = MARKS[below(MARKS.length)] as (typeof MARKS)[0];
  const resources = random() < 0.3 ? await Promise.all(['R0', 'R1', 'R2'].map(anyReference)) : await anyReference();
  return mark.call(r, vm, resources, point);
}

async function anyOperation(): Promise<unknown> {
  const id = anyId();
  const dice = random();
  if (dice < 0.2) return r.persistIntent(vm, { id, name: `${dice}` }, { enforcementPoints: anyPoints() });
  if (dice < 0.25) return r.persistIntent(vm, { id, name: `${dice}` });
  if (dice < 0.28) return r.persistIntent(vm, { ...(await anyReference(id)), name: `${dice}` });
  if (dice < 0.3) return r.softDelete(vm, id);
  if (dice < 0.32) return r.delete(vm, id);
  if (dice < 0.33) return r.purge(vm, id);
  if (dice < 0.34) return r.purgeStaleStatusRecords(vm, id);
  return anyMark();
}

const isRefusal = (error: unknown): boolean =>
  error instanceof MarkingFailedError || error instanceof RecordNotFoundError || error instanceof RevisionConflictError;

async function someOperations(count: number): Promise<void> {
  for (let done = 0; done < count; done++) {
    await anyOperation().catch((error: unknown) => {
      if (!isRefusal(error)) throw error;
    });
  }
}

process.send?.('ready');
process.on('disconnect', () => process.exit(0));
await Promise.all(Array.from({ length: 4 }, () => someOperations(Number(OPERATIONS) / 4)));
await store.close();
process.disconnect?.();
