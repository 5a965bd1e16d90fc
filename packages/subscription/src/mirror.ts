import type { AnyTable, DataStore, RecordOf } from '@intendant/core';
import { internalsOf, type Scope } from '@intendant/core/internal';
import type { Change } from './change.ts';
import type { Subscription } from './subscription.ts';
import type { SubscribeOptions, Subscriptions } from './subscriptions.ts';

export interface MirrorOptions<R> {
  /** Whose records; also the context that reads them. */
  readonly as: unknown;
  /** Called after the copy has changed; `record` is undefined for one that is gone. */
  readonly onChange?: (key: Readonly<Record<string, unknown>>, record: R | undefined) => void;
  readonly signal?: AbortSignal;
}

/** A local copy of the records a context may see, always current. */
export interface Mirror<R> extends AsyncDisposable {
  /** Resolves when the first listing is in. */
  synced(): Promise<void>;
  /** By key: `get({ id: 'VM1' })`. Of several orgs' records with one key, whichever came last. */
  get(key: Readonly<Record<string, unknown>>): R | undefined;
  find(matches: (record: R) => boolean): R[];
  readonly size: number;
  close(): Promise<void>;
}

const PAGE = 1_000;

/**
 * Lists, then follows. The feed is joined before the list is read, and a change makes the mirror read that record anew
 * rather than apply what the change says: whatever the two saw in whichever order, the last read is after the last change.
 */
export async function openMirror<T extends AnyTable>(
  store: DataStore,
  subscriptions: Subscriptions,
  table: T,
  options: MirrorOptions<RecordOf<T>>,
): Promise<Mirror<RecordOf<T>>> {
  const mirror = new TableMirror<T>(store, table, options);
  await mirror.open(subscriptions);
  return mirror;
}

class TableMirror<T extends AnyTable> implements Mirror<RecordOf<T>> {
  readonly #store: DataStore;
  readonly #table: T;
  readonly #options: MirrorOptions<RecordOf<T>>;
  readonly #records = new Map<string, RecordOf<T>>();
  readonly #scope: Scope;
  readonly #synced = Promise.withResolvers<void>();
  #subscription: Subscription | undefined;

  constructor(store: DataStore, table: T, options: MirrorOptions<RecordOf<T>>) {
    this.#store = store;
    this.#table = table;
    this.#options = options;
    const internals = internalsOf(store);
    this.#scope = internals.scopeOf(options.as, [internals.table(table)]);
  }

  async open(subscriptions: Subscriptions): Promise<void> {
    const { as, signal } = this.#options;
    const options: SubscribeOptions = { as, onReset: () => this.#list(), ...(signal && { signal }) };
    this.#subscription = await subscriptions.subscribe(this.#table.name, (change) => this.#take(change), options);
    this.#subscription.pause();
    try {
      await this.#list();
    } catch (error) {
      await this.#subscription.close();
      throw error;
    }
    this.#synced.resolve();
    this.#subscription.resume();
  }

  get size(): number {
    return this.#records.size;
  }

  synced(): Promise<void> {
    return this.#synced.promise;
  }

  get(key: Readonly<Record<string, unknown>>): RecordOf<T> | undefined {
    return this.#records.get(this.#name(key));
  }

  find(matches: (record: RecordOf<T>) => boolean): RecordOf<T>[] {
    return [...this.#records.values()].filter(matches);
  }

  async close(): Promise<void> {
    await this.#subscription?.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #list(): Promise<void> {
    const session = internalsOf(this.#store).sessionFor(this.#scope);
    const found = new Map<string, RecordOf<T>>();
    let page: RecordOf<T>[] = [];
    do {
      const after = page.at(-1);
      page = await session.findMany(this.#table, { limit: PAGE, ...(after && { after }) });
      for (const record of page) found.set(this.#name(record), record);
    } while (page.length === PAGE);
    this.#records.clear();
    for (const [name, record] of found) this.#records.set(name, record);
  }

  async #take({ key }: Change): Promise<void> {
    const session = internalsOf(this.#store).sessionFor(this.#scope);
    const [record] = await session.findMany(this.#table, { where: key as never, limit: 1 });
    if (record) this.#records.set(this.#name(key), record);
    else this.#records.delete(this.#name(key));
    this.#options.onChange?.(key, record);
  }

  #name(fields: object): string {
    return JSON.stringify(this.#table.key.map((field) => String((fields as Record<string, unknown>)[field])));
  }
}
