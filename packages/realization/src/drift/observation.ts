import type { Observation } from '../worker/handler.ts';

/** The result of one check of a resource. */
export type Observed = Observation | 'failed';

const OBSERVATIONS: ReadonlySet<unknown> = new Set(['realized', 'drifted', 'missing'] satisfies Observation[]);

/** Throws a TypeError for a value that `observe` may not return. */
export function checkObservation(observation: unknown): Observation {
  if (OBSERVATIONS.has(observation)) return observation as Observation;
  throw new TypeError("observe must return 'realized', 'drifted' or 'missing'");
}
