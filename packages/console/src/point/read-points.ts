import type { Labels, Realization, RealizationSession, StatusCounts } from '@intendant/realization';
import type { Access } from '../caller/access.ts';
import { healthOf, type PointHealth } from './point-health.ts';

/** A point, and what of the caller's is there. */
export interface Point {
  readonly id: string;
  readonly labels: Labels;
  readonly health: PointHealth | 'unregistered';
  readonly lastSeenAt: Date | null;
  readonly statuses: StatusCounts;
  readonly queue: PointQueue;
  readonly workers: number | null;
}

interface PointQueue {
  readonly waiting: number;
  readonly due: number;
  readonly running: number;
  readonly failed: number;
  readonly oldestDueAt: Date | null;
}

/** Stale points first, then those that hold errors, then by id. */
export async function readPoints(
  realization: Realization<unknown>,
  session: RealizationSession,
  { tables }: Access,
): Promise<Point[]> {
  const [registered, summaries] = await Promise.all([
    realization.points.list(),
    session.summary(tables.map(({ definition }) => definition)),
  ]);
  const counts = new Map<string, Record<string, number>>();
  for (const { points } of summaries) for (const [id, byStatus] of points) add(counts, id, byStatus);
  const known = new Map(registered.map((point) => [point.id, point]));
  const ids = [...new Set([...known.keys(), ...counts.keys()])];
  return ids
    .map((id): Point => {
      const point = known.get(id);
      return {
        id,
        labels: point?.labels ?? {},
        health: point ? healthOf(point) : 'unregistered',
        lastSeenAt: point?.heartbeatAt ?? null,
        statuses: counts.get(id) ?? {},
        queue: { waiting: 0, due: 0, running: 0, failed: 0, oldestDueAt: null },
        workers: null,
      };
    })
    .sort(byTrouble);
}

function add(counts: Map<string, Record<string, number>>, id: string, byStatus: StatusCounts): void {
  const own = counts.get(id) ?? {};
  for (const [status, count] of Object.entries(byStatus)) own[status] = (own[status] ?? 0) + count;
  counts.set(id, own);
}

const byTrouble = (a: Point, b: Point): number =>
  Number(b.health === 'stale') - Number(a.health === 'stale') ||
  (b.statuses.ERROR ?? 0) - (a.statuses.ERROR ?? 0) ||
  (a.id < b.id ? -1 : 1);
