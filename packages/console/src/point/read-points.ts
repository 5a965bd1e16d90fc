import type { PointOverview, RealizationSession, Status } from '@intendant/realization';

/** Returns the points, those with problems first: stale ones, then by number of errors, then by id. */
export async function readPoints(session: RealizationSession): Promise<PointOverview[]> {
  const points = await session.points();
  return points.sort(byTrouble);
}

const byTrouble = (a: PointOverview, b: PointOverview): number =>
  Number(b.state === 'stale') - Number(a.state === 'stale') ||
  (countsOf(b).ERROR ?? 0) - (countsOf(a).ERROR ?? 0) ||
  (a.id < b.id ? -1 : 1);

/** Returns the number of the caller's resources at the point by status, summed over all tables. */
export function countsOf({ statuses }: PointOverview): Partial<Record<Status, number>> {
  const sums: Partial<Record<Status, number>> = {};
  for (const counts of statuses.values())
    for (const [status, count] of Object.entries(counts) as [Status, number][])
      sums[status] = (sums[status] ?? 0) + count;
  return sums;
}
