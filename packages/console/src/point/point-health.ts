import type { EnforcementPoint } from '@intendant/realization';

export type PointHealth = 'live' | 'stale' | 'removed';

/** A point says that it is there every few seconds; one that was silent for longer than this is stale. */
const PRESENT_MS = 30_000;

export function healthOf({ state, heartbeatAt }: Pick<EnforcementPoint, 'state' | 'heartbeatAt'>): PointHealth {
  if (state === 'removed') return 'removed';
  return Date.now() - heartbeatAt.getTime() > PRESENT_MS ? 'stale' : 'live';
}
