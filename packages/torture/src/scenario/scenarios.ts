import { chaos } from './chaos.ts';
import { pooledChaos } from './pooled-chaos.ts';
import type { Scenario } from './scenario.ts';

/** All scenarios. One without weight runs only when it is named. */
export const SCENARIOS: readonly Scenario[] = [chaos, pooledChaos];
