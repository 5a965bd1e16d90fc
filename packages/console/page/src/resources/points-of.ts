import type { Resource, Status } from '../api/model.ts';

const WEIGHTS: Readonly<Partial<Record<Status, number>>> = { ERROR: 3, PENDING: 2, IN_PROGRESS: 1 };

/** The points of these resources. If there are too many to show at once, those with problems come first. */
export function pointsOf(resources: readonly Resource[]): string[] {
  const trouble = new Map<string, number>();
  for (const { cells } of resources)
    for (const { point, status } of cells) trouble.set(point, Math.max(trouble.get(point) ?? 0, WEIGHTS[status] ?? 0));
  const byName = [...trouble.keys()].sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
  return byName.length <= MAX_POINTS_BY_NAME
    ? byName
    : byName.sort((a, b) => (trouble.get(b) ?? 0) - (trouble.get(a) ?? 0));
}

const MAX_POINTS_BY_NAME = 60;
