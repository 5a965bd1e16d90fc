import { afterEach, expect } from 'vitest';
import type { Labels } from '../index.ts';
import { vm } from './fixture.ts';
import { statusLine } from './statuses.ts';
import { LIMIT, openSuite, soon } from './suite.ts';

export const EU = { region: 'eu' };

/** For specs of registered points: deletes all points and all records of their workers after each test. Call it once, at the top of a spec file. */
export async function openPointsSuite() {
  const suite = await openSuite();
  const { fixture, r, workers, query } = suite;
  const { points } = fixture.realization;
  afterEach(async () => {
    await query('delete from intendant.enforcement_point');
    await query('delete from intendant.point_worker');
  });
  const now = (id: string, ...at: string[]) => statusLine(r, vm, id, ...at);
  return {
    ...suite,
    points,
    now,
    /** Registers a point, and waits until it has got its resources. */
    addPoint: async (id: string, labels: Labels = {}) => (await points.add({ id, labels })).finished(LIMIT),
    /** Persists a virtual machine that a selector places, by default everywhere. */
    persist: async (id: string, selector = {}) => (await r.persistIntent(vm, { id, name: 'one' }, { selector })).record,
    /** A resource that no point has yet is REALIZED, so this waits for the status at the point too. */
    untilRealizedAt: (id: string, point: string) =>
      soon(async () => expect(await now(id, point)).toBe('REALIZED / REALIZED')),
    /** Starts a worker without labels. Returns its calls, to which it adds. */
    work: async (enforcementPoint: string): Promise<string[]> => {
      const calls: string[] = [];
      await workers.work(enforcementPoint, {
        realize: async ({ record }) => void calls.push(`realize ${record.id}`),
        unrealize: async ({ record }) => void calls.push(`unrealize ${record.id}`),
      });
      return calls;
    },
  };
}
