/** Identifies one record: by its key's fields, and by org or instance where records of several are visible. */
export type MirrorKey = Readonly<Record<string, unknown>>;

/** A change of one record of a mirror. */
export interface MirrorEvent<R> {
  /** The key of the record that changed. */
  readonly key: MirrorKey;
  /** Undefined if the record did not exist. */
  readonly before: R | undefined;
  /** Undefined if the record no longer exists. */
  readonly after: R | undefined;
}

/** Receives each change of the copy. An error that it throws is logged; a promise that it returns is not awaited. */
export type MirrorListener<R> = (event: MirrorEvent<R>) => unknown;

/** Options of `subscriptions.mirror`. */
export interface MirrorOptions<R> {
  /**
   * The context that reads the records, and that determines which are visible. Default: those of all tenants, as a
   * service-wide reader.
   */
  readonly as?: unknown;
  /** The first listener; it also receives the records of the first listing. */
  readonly onChange?: MirrorListener<R>;
  /**
   * Called once if the mirror can no longer be kept current, e.g. because the table was taken out of the feed. The error
   * is logged as well. The copy keeps its last state.
   */
  readonly onError?: (error: Error) => unknown;
  /** Aborting the signal closes the mirror. */
  readonly signal?: AbortSignal;
}

/** A local copy of the records that a context may see. It is kept current: committed changes appear within milliseconds. */
export interface Mirror<R> extends AsyncDisposable {
  /** Resolves when the records have been listed for the first time. */
  synced(): Promise<void>;
  /**
   * Returns a record by key: `get({ id: 'VM1' })`, or just the key's value if the key is one field. If several orgs (or
   * instances) have a record with this key, name the org: `get({ id: 'VM1', orgId: 'Coke' })`.
   */
  get(key: MirrorKey | string | number | bigint): R | undefined;
  /** Returns the records for which `matches` returns true, in no particular order. */
  find(matches: (record: R) => boolean): R[];
  /** All records, in no order. */
  values(): IterableIterator<R>;
  /** Number of records in the copy. */
  readonly size: number;
  /** Calls the listener after each change of the copy. Returns a function that removes it. */
  on(event: 'change', listener: MirrorListener<R>): () => void;
  /** Stops following the table. The copy keeps its last state. May be called any number of times. */
  close(): Promise<void>;
}
