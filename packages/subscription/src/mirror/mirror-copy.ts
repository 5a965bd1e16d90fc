import { isDeepStrictEqual } from 'node:util';
import type { RegisteredTable } from '@intendant/core/internal';
import type { Change } from '../change.ts';
import { identityOf } from '../log/slot.ts';
import type { MirrorEvent, MirrorKey } from './mirror.ts';

export type AnyRecord = Readonly<Record<string, unknown>>;

/** The records of a mirror, by identity and by key. Reports each change. */
export class MirrorCopy {
  readonly #table: RegisteredTable;
  readonly #notify: (event: MirrorEvent<AnyRecord>) => void;
  readonly #records = new Map<string, AnyRecord>();
  /** The identities of the records with one key. */
  readonly #byKey = new Map<string, Set<string>>();

  constructor(table: RegisteredTable, notify: (event: MirrorEvent<AnyRecord>) => void) {
    this.#table = table;
    this.#notify = notify;
  }

  get records(): ReadonlyMap<string, AnyRecord> {
    return this.#records;
  }

  get(key: MirrorKey | string | number | bigint): AnyRecord | undefined {
    const fields = typeof key === 'object' ? key : { [this.#table.key[0]?.field as string]: key };
    for (const identity of this.#byKey.get(this.#keyName(fields)) ?? []) {
      const record = this.#records.get(identity);
      if (record && isOf(fields, record, 'orgId') && isOf(fields, record, 'instanceId')) return record;
    }
    return undefined;
  }

  set(after: AnyRecord): void {
    const identity = this.identityOf(after);
    const before = this.#records.get(identity);
    this.#records.set(identity, after);
    const name = this.#keyName(after);
    this.#byKey.set(name, (this.#byKey.get(name) ?? new Set()).add(identity));
    if (!isDeepStrictEqual(before, after)) this.#notify({ key: this.keyOf(after), before, after });
  }

  remove(identity: string): void {
    const before = this.#records.get(identity);
    if (before === undefined) return;
    this.#records.delete(identity);
    const name = this.#keyName(before);
    const others = this.#byKey.get(name);
    others?.delete(identity);
    if (others?.size === 0) this.#byKey.delete(name);
    this.#notify({ key: this.keyOf(before), before, after: undefined });
  }

  keyOf(record: AnyRecord): MirrorKey {
    return Object.fromEntries(this.#table.key.map(({ field }) => [field, record[field]]));
  }

  identityOf(record: AnyRecord): string {
    return this.#identity(record['orgId'], record['instanceId'], record);
  }

  identityOfChange({ orgId, instanceId, key }: Change): string {
    return this.#identity(orgId, instanceId, key);
  }

  #identity(orgId: unknown, instanceId: unknown, key: AnyRecord): string {
    const { isTenanted, isInstanced } = this.#table;
    return identityOf(isTenanted ? String(orgId) : null, isInstanced ? String(instanceId) : null, this.#texts(key));
  }

  #keyName(fields: AnyRecord): string {
    return identityOf(null, null, this.#texts(fields));
  }

  #texts(fields: AnyRecord): string[] {
    return this.#table.key.map(({ field }) => {
      const value = fields[field];
      return value instanceof Date ? value.toISOString() : String(value);
    });
  }
}

/** A field that the key does not name matches any value. */
const isOf = (fields: MirrorKey, record: AnyRecord, field: string): boolean =>
  fields[field] === undefined || fields[field] === record[field];
