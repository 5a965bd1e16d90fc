/** One stretch of work that a contestant is asked to do. */
export interface Workload {
  readonly operation: string;
  /** Callers at once. */
  readonly clients: number;
  /** For work that has no end of its own. */
  readonly durationMs: number;
  /** For work that has one: rows, resources, marks. */
  readonly size: number;
  /** The table to work on, its tenants, and the rows each of them has. */
  readonly table: string;
  readonly tenants: number;
  readonly rowsATenant: number;
  /** Units a second that all callers together begin, at most. Default: as many as go. */
  readonly ratePerSecond?: number;
}

export interface Measurement {
  /** Units of work a second, or whatever the operation says. */
  readonly value: number;
  /** CPU time of the process for one unit of work, in microseconds. */
  readonly cpuMicros: number;
}

/** One side of a comparison, in a process of its own. */
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
  /** The tables of the bench, for peers that have to know them. */
  readonly tables: readonly string[];
  /** Whether realization is told of changes by our feed, which costs writers something, or looks for them. Default true. */
  readonly hasFeed?: boolean;
}

/** What a file in `peers/` exports. */
export interface PeerModule {
  open(options: ContestantOptions): Promise<Contestant>;
}
