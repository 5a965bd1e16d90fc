import type { DataStore } from '@intendant/core';
import { expect } from 'vitest';
import type { RealizationSession } from '../index.ts';
import { pepsi, vm } from './fixture.ts';

/** Overall and the points in one line, e.g. `PENDING / REALIZED / UNKNOWN`. A point that was never marked is UNKNOWN. */
export async function statusLine(
  r: RealizationSession,
  table: typeof vm,
  id: string,
  ...points: string[]
): Promise<string> {
  const { overall, enforcement } = await r.getOverallStatusWithEnforcementDetails(table, id);
  return [overall.status, ...points.map((point) => enforcement.get(point)?.status ?? 'UNKNOWN')].join(' / ');
}

/** The overall row and the rows of exactly these points are at the revision of the resource. */
export async function expectConsistent(store: DataStore, r: RealizationSession, id: string, points: readonly string[]) {
  const { overall, enforcement } = await r.getOverallStatusWithEnforcementDetails(vm, id);
  const { revision } = await store.as(pepsi).find(vm, id, { includeDeleted: true });
  expect(overall.revision).toBe(revision);
  expect([...enforcement.keys()].sort()).toEqual([...points].sort());
  for (const record of enforcement.values()) expect(record.revision).toBe(revision);
}
