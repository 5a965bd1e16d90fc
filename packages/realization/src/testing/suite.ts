import { eventually } from '@intendant/devdb/testing';
import { afterAll, afterEach } from 'vitest';
import type { RealizationSession, Status } from '../index.ts';
import type { StatusRecord } from '../status/read-status.ts';
import { type Fixture, type FixtureOptions, openFixture, pepsi, vm } from './fixture.ts';
import { serviceQuery } from './service-query.ts';
import { Workers } from './workers.ts';

/** Time limits of waiting: long, for a busy machine. A test that passes waits no longer than it needs to. */
export const LIMIT = { timeoutMs: 20_000 };

/** What a spec file shares among its tests: one database, which is emptied after each of them, and a tenant's session. */
export interface Suite {
  readonly fixture: Fixture;
  /** The session of a tenant's administrator. */
  readonly r: RealizationSession;
  /** Stopped after each test. */
  readonly workers: Workers;
  /** Queries as the service role. Returns the rows. */
  query(text: string, values?: unknown[]): ReturnType<typeof serviceQuery>;
  /** Persists a virtual machine, by default at E1, and returns the stored record. */
  persist(
    id: string,
    enforcementPoints?: readonly string[],
    name?: string,
  ): Promise<Awaited<ReturnType<typeof persistAt>>>;
  /** The virtual machines VM0, VM1, …, all at E1. */
  persistMany(count: number): Promise<unknown>;
  untilStatus(id: string, status: Status, revision?: number): Promise<Status>;
  /** The status at one point, by default at E1. */
  detailsOf(id: string, point?: string): Promise<StatusRecord | undefined>;
}

/** Call it once, at the top of a spec file. */
export async function openSuite(options: FixtureOptions = {}): Promise<Suite> {
  const fixture = await openFixture(options);
  const r = fixture.realization.as(pepsi);
  const workers = new Workers(fixture.realization);
  afterEach(async () => {
    await workers.stop();
    await fixture.empty();
  });
  afterAll(() => fixture[Symbol.asyncDispose]());
  const persist: Suite['persist'] = (id, enforcementPoints = ['E1'], name = 'one') =>
    persistAt(r, { id, name }, enforcementPoints);
  return {
    fixture,
    r,
    workers,
    query: (text, values) => serviceQuery(fixture.store, text, values),
    persist,
    persistMany: (count) => Promise.all(Array.from({ length: count }, (_, index) => persist(`VM${index}`))),
    untilStatus: (id, status, revision) =>
      r.waitFor(vm, id, { status, ...LIMIT, ...(revision !== undefined && { revision }) }),
    detailsOf: async (id, point = 'E1') =>
      (await r.getOverallStatusWithEnforcementDetails(vm, id)).enforcement.get(point),
  };
}

const persistAt = async (
  r: RealizationSession,
  record: { id: string; name: string },
  enforcementPoints: readonly string[],
) => (await r.persistIntent(vm, record, { enforcementPoints })).record;

/** Retries until it succeeds, within the long time limit. */
export const soon = <T>(attempt: () => T | Promise<T>): Promise<T> => eventually(attempt, LIMIT);
