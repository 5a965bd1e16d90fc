/** One piece of work for a contestant. */
export interface Workload {
  readonly operation: string;
  /** Number of simultaneous callers. */
  readonly clients: number;
  /** Duration in milliseconds, for work without an end of its own. */
  readonly durationMs: number;
  /** Amount of work, if it has an end: rows, resources, marks. */
  readonly size: number;
  /** The table to use, the number of its tenants, and the number of rows per tenant. */
  readonly table: string;
  readonly tenants: number;
  readonly rowsATenant: number;
  /** Largest number of units per second that all callers together begin. Default: no limit. */
  readonly ratePerSecond?: number;
}

export interface Measurement {
  /** Units of work per second, unless the operation measures something else. */
  readonly value: number;
  /** CPU time of the process per unit of work, in microseconds. */
  readonly cpuMicros: number;
}

/** One side of a comparison, in its own process. */
export interface Contestant {
  run(workload: Workload): Promise<Measurement>;
  close(): Promise<void>;
}

export interface ContestantOptions {
  /** The application login. */
  readonly url: string;
  readonly adminUrl: string;
  /** The database role of a tenant's writer, for peers that set role and org by hand. */
  readonly tenantRole: string;
  /** The tables of the bench, for peers that need their definitions. */
  readonly tables: readonly string[];
  /** Whether realization learns of changes from our feed, which adds work to writers, or polls. Default true. */
  readonly hasFeed?: boolean;
}

/** The default export of a file in `peers/`. */
export interface PeerModule {
  open(options: ContestantOptions): Promise<Contestant>;
}
