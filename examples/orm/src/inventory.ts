import type { Transaction } from '@intendant/core';

/** Number of CPUs of the caller's machines at one site. */
export interface SiteTotal {
  readonly site: string;
  readonly cpus: number;
}

/** The queries of this example. Each library implements them on the connection of a transaction. */
export interface Inventory {
  /** The library, as the program prints it. */
  readonly name: string;
  /** The caller's CPUs by site, in the order of the site. Soft-deleted machines do not count. */
  cpusBySite(tx: Transaction): Promise<SiteTotal[]>;
  /** Moves the caller's machines from one site to another. Returns their ids in order. */
  moveMachines(tx: Transaction, from: string, to: string): Promise<string[]>;
}
