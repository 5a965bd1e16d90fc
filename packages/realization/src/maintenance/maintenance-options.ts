import { checkDuration, checkOptions } from '@intendant/core/internal';

/** How long maintenance keeps data that is no longer needed. */
export interface MaintenanceOptions {
  /**
   * How long a deleted resource is kept after its removal at all points, in ms. During this time its status shows the
   * deletion, and a late worker cannot mark a new resource with the same id. `Infinity`: for ever. Default
   * 604,800,000 (7 days).
   */
  readonly purgeAfterMs?: number;
  /** How long the result of a submitted operation is kept, in ms. Default 86,400,000 (a day). */
  readonly keepResultsMs?: number;
  /** How long the history of statuses reaches back, in ms. `Infinity`: for ever. Default 604,800,000 (7 days). */
  readonly keepHistoryMs?: number;
}

export type MaintenanceConfiguration = Required<MaintenanceOptions>;

const DAY_MS = 86_400_000;

export function configureMaintenance(options: MaintenanceOptions): MaintenanceConfiguration {
  checkOptions<MaintenanceOptions>('createRealization maintenance', options, {
    purgeAfterMs: true,
    keepResultsMs: true,
    keepHistoryMs: true,
  });
  return {
    purgeAfterMs: duration('purgeAfterMs', options.purgeAfterMs ?? 7 * DAY_MS),
    keepResultsMs: duration('keepResultsMs', options.keepResultsMs ?? DAY_MS),
    keepHistoryMs: duration('keepHistoryMs', options.keepHistoryMs ?? 7 * DAY_MS),
  };
}

/** The largest accepted duration; Postgres can still subtract it from a time. */
const MAX_MS = 1e13;

function duration(name: string, value: unknown): number {
  const checked = checkDuration(`maintenance.${name}`, value, { min: 0, allowInfinity: true });
  return Number.isFinite(checked) ? Math.min(checked, MAX_MS) : checked;
}
