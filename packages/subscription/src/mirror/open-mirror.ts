import type { AnyTable, FindManyOptions } from '@intendant/core';
import type { DataStoreInternals, RegisteredTable, Scope } from '@intendant/core/internal';
import type { Logger } from 'pino';
import type { Change } from '../change.ts';
import type { Subscription } from '../subscription.ts';
import type { Subscriptions } from '../subscriptions.ts';
import type { Mirror, MirrorKey, MirrorListener, MirrorOptions } from './mirror.ts';
import { type AnyRecord, MirrorCopy } from './mirror-copy.ts';

const PAGE = 1_000;
const BATCH = 200;
const EVERYTHING: Scope = { role: 'reader', orgId: undefined, instanceId: undefined };

/**
 * Lists the records, and then follows their changes. Following begins before the list is read. After each change, the
 * mirror reads that record again instead of applying the content of the change. So whatever the order of listing and
 * changes, the last read comes after the last change.
 */
export async function openMirror(
  internals: DataStoreInternals,
  subscriptions: Subscriptions,
  logger: Logger,
  tableOrName: string | AnyTable,
  options: MirrorOptions<AnyRecord>,
): Promise<Mirror<AnyRecord>> {
  const mirror = new TableMirror(internals, logger, internals.table(tableOrName), options);
  await mirror.open(subscriptions);
  return mirror;
}

class TableMirror implements Mirror<AnyRecord> {
  readonly #internals: DataStoreInternals;
  readonly #logger: Logger;
  readonly #table: RegisteredTable;
  readonly #options: MirrorOptions<AnyRecord>;
  readonly #scope: Scope;
  readonly #copy: MirrorCopy;
  readonly #listeners = new Set<MirrorListener<AnyRecord>>();
  readonly #synced = Promise.withResolvers<void>();
  #subscription: Subscription | undefined;

  constructor(
    internals: DataStoreInternals,
    logger: Logger,
    table: RegisteredTable,
    options: MirrorOptions<AnyRecord>,
  ) {
    this.#internals = internals;
    this.#logger = logger;
    this.#table = table;
    this.#options = options;
    this.#scope = options.as === undefined ? EVERYTHING : internals.scopeOf(options.as, [table]);
    this.#copy = new MirrorCopy(table, (event) => {
      for (const listener of this.#listeners) this.#call(() => listener(event));
    });
    if (options.onChange) this.#listeners.add(options.onChange);
  }

  async open(subscriptions: Subscriptions): Promise<void> {
    const { as, signal, onError } = this.#options;
    this.#subscription = await subscriptions.subscribeBatches(this.#table.name, (changes) => this.#take(changes), {
      ...(as !== undefined && { as }),
      ...(signal && { signal }),
      ...(onError && { onError }),
      batchSize: BATCH,
      onReset: () => this.#list(),
    });
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
    return this.#copy.records.size;
  }

  synced(): Promise<void> {
    return this.#synced.promise;
  }

  get(key: MirrorKey | string | number | bigint): AnyRecord | undefined {
    return this.#copy.get(key);
  }

  find(matches: (record: AnyRecord) => boolean): AnyRecord[] {
    return [...this.#copy.records.values()].filter(matches);
  }

  values(): IterableIterator<AnyRecord> {
    return this.#copy.records.values();
  }

  on(event: 'change', listener: MirrorListener<AnyRecord>): () => void {
    if (event !== 'change') throw new TypeError(`a mirror has no event ${JSON.stringify(event)}, only 'change'`);
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  async close(): Promise<void> {
    await this.#subscription?.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #list(): Promise<void> {
    const found = new Set<string>();
    for await (const record of this.#read({})) {
      found.add(this.#copy.identityOf(record));
      this.#copy.set(record);
    }
    for (const identity of [...this.#copy.records.keys()]) if (!found.has(identity)) this.#copy.remove(identity);
  }

  /** Reads the rows of these changes again. */
  async #take(changes: readonly Change[]): Promise<void> {
    const gone = new Set(changes.map((change) => this.#copy.identityOfChange(change)));
    const keys = [...new Map(changes.map(({ key }) => [JSON.stringify(Object.values(key), exactly), key])).values()];
    for await (const record of this.#read({ where: { or: keys } })) {
      gone.delete(this.#copy.identityOf(record));
      this.#copy.set(record);
    }
    for (const identity of gone) this.#copy.remove(identity);
  }

  async *#read(options: { where?: object }): AsyncGenerator<AnyRecord> {
    const session = this.#internals.sessionFor(this.#scope);
    let page: AnyRecord[] = [];
    do {
      const after = page.at(-1);
      const asked = { ...options, limit: PAGE, ...(after && { after }) } as FindManyOptions<AnyTable>;
      page = await session.findMany(this.#table.definition, asked);
      yield* page;
    } while (page.length === PAGE);
  }

  /** Calls the listener synchronously; a promise that it returns is not awaited. */
  #call(act: () => unknown): void {
    new Promise((resolve) => resolve(act())).catch((error) =>
      this.#logger.error({ err: error, table: this.#table.name }, "a mirror's listener failed"),
    );
  }
}

const exactly = (_: string, value: unknown): unknown => (typeof value === 'bigint' ? String(value) : value);
