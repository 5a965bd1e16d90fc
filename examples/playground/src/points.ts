import type { Labels } from '@intendant/realization';

/** The properties of a point's devices. */
export type Temper = 'quick' | 'slow' | 'flaky' | 'outage';

export interface PlaygroundPoint {
  readonly id: string;
  readonly labels: Labels;
  readonly temper: Temper;
}

export const REGIONS = ['us-east', 'us-west', 'eu-central', 'ap-south', 'sa-east'] as const;

const POINTS_IN_REGION = 8;
const TEMPERS: readonly Temper[] = ['quick', 'quick', 'quick', 'slow', 'quick', 'flaky', 'quick', 'outage'];

/** Forty points: eight in each of five regions, two on each of four tiers. */
export const POINTS: readonly PlaygroundPoint[] = REGIONS.flatMap((region) =>
  Array.from({ length: POINTS_IN_REGION }, (_, index) => ({
    id: `${region}-${index + 1}`,
    labels: { region, tier: String((index % 4) + 1) },
    temper: TEMPERS[index] as Temper,
  })),
);

/** Its worker stops for a while, repeatedly, so that the point becomes stale. */
export const LONELY_POINT = 'sa-east-5';
