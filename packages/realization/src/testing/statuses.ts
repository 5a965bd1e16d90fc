import type { RealizationSession } from '../index.ts';
import type { vm } from './fixture.ts';

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
