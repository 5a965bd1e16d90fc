/** Names one record: its key's fields, and where records of several orgs or instances are seen, those. */
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
  /** Whose records; also the context that reads them. Default: all tenants', as a service-wide reader. */
  readonly as?: unknown;
  /** The first listener; it also receives the records of the first listing. */
  readonly onChange?: MirrorListener<R>;
  /** Closes it. */
  readonly signal?: AbortSignal;
}

/** A local copy of the records a context may see, always current: what is committed shows within milliseconds. */
export interface Mirror<R> extends AsyncDisposable {
  /** Resolves when the first listing is in. */
  synced(): Promise<void>;
  /**
   * By key: `get({ id: 'VM1' })`, or the key's value alone where it has one field. Of several orgs' (or instances') records
   * with one key, name the one: `get({ id: 'VM1', orgId: 'Coke' })`.
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
  /** Stops following the table; the copy keeps its last state. May be called any number of times. */
  close(): Promise<void>;
}
