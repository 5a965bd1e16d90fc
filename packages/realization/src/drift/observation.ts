import type { Observation } from '../worker/handler.ts';

/** What one look at a resource came to. */
export type Observed = Observation | 'failed';

const OBSERVATIONS: ReadonlySet<unknown> = new Set(['realized', 'drifted', 'missing'] satisfies Observation[]);

/** Throws a TypeError for a value that `observe` may not return. */
export function checkObservation(answer: unknown): Observation {
  if (OBSERVATIONS.has(answer)) return answer as Observation;
  throw new TypeError("observe must return 'realized', 'drifted' or 'missing'");
}
