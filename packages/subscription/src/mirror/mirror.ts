/** Names one record: its key's fields, and where records of several orgs or instances are seen, those. */
export type MirrorKey = Readonly<Record<string, unknown>>;

/** What became of one record of a mirror. */
export interface MirrorEvent<R> {
  readonly key: MirrorKey;
  /** Undefined where there was none. */
  readonly before: R | undefined;
  /** Undefined where there is none now. */
  readonly after: R | undefined;
}

/** Hears of each change of the copy. What it throws is logged; a promise that it returns is not waited for. */
export type MirrorListener<R> = (event: MirrorEvent<R>) => unknown;

export interface MirrorOptions<R> {
  /** Whose records; also the context that reads them. Default: all tenants', as a service-wide reader. */
  readonly as?: unknown;
  /** The first listener; it hears of the listing too. */
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
  find(matches: (record: R) => boolean): R[];
  /** All records, in no order. */
  values(): IterableIterator<R>;
  readonly size: number;
  /** Calls after each change of the copy. Answers how to stop. */
  on(event: 'change', listener: MirrorListener<R>): () => void;
  close(): Promise<void>;
}
