import { ConfigurationError } from './error/intendant-error.ts';

/** How the tables of a store are distributed over several servers. Made by `citus()`. */
export interface Distribution {
  /** The kind of distribution: `citus`. */
  readonly kind: 'citus';
}

/**
 * Distributes tenants' tables over the nodes of a Citus cluster by `org_id`: all rows of an org are on one node. Shared tables
 * get a copy on each node. The store's connections lead to the coordinator, in a database with the extension `citus` and
 * nodes added. Needs Citus 13 or newer.
 *
 * ```ts
 * const store = await createDataStore({ connection: 'postgres://app:secret@coordinator:5432/fleet', distribution: citus() });
 * ```
 */
export const citus = (): Distribution => CITUS;

const CITUS: Distribution = Object.freeze({ kind: 'citus' });

/** Throws ConfigurationError for a value that `citus()` did not return. */
export function checkDistribution(given: unknown): void {
  if (given === undefined || (given as Distribution | null)?.kind === 'citus') return;
  throw new ConfigurationError('createDataStore: distribution must be citus(); leave it out for a single server');
}
