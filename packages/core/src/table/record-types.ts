import type { z } from 'zod';
import type { TableDefinition } from './define-table.ts';

/** Any table, for places that take whichever. */
export type AnyTable = TableDefinition;

type When<Condition, Fields> = Condition extends true ? Fields : unknown;
type Optional<Fields, Names> = Omit<Fields, Names & keyof Fields> & Partial<Pick<Fields, Names & keyof Fields>>;
type Flat<T> = { [Field in keyof T]: T[Field] };

type Ids<T extends AnyTable> = When<T['tenancy'] extends 'tenant' ? true : false, { orgId: string }> &
  When<T['instanced'], { instanceId: string }>;

type Framework<T extends AnyTable> = Ids<T> &
  When<T['revisioned'], { revision: number }> & { createdAt: Date; updatedAt: Date } & When<
    T['softDelete'],
    { deletedAt: Date | null }
  >;

/** A record as it is read: the schema's fields and the framework's. */
export type RecordOf<T extends AnyTable> = Flat<z.output<T['schema']> & Framework<T>>;

/**
 * A record as it is inserted: the framework's fields may be there (a record that was read fits) but need not, nor those
 * that the database has a default for.
 */
export type NewRecordOf<T extends AnyTable> = Flat<
  Optional<z.input<T['schema']>, keyof T['defaults']> & Partial<Framework<T>>
>;

/** A record as it is updated: it carries the revision it was read at. */
export type ChangedRecordOf<T extends AnyTable> = Flat<
  z.input<T['schema']> & Partial<Framework<T>> & When<T['revisioned'], { revision: number }>
>;

/** Fields to change in many records at once: all but the key. */
export type ChangesOf<T extends AnyTable> = Partial<Omit<z.input<T['schema']>, T['key'][number]>>;

type KeyFields<T extends AnyTable> = Pick<z.input<T['schema']>, T['key'][number] & keyof z.input<T['schema']>>;

/**
 * What names a record: its key, as an object, or as the bare value when the key is one column. `orgId` and
 * `instanceId` may be named; under a role that is not held to one org, a change must name it.
 */
export type KeyOf<T extends AnyTable> =
  | Flat<KeyFields<T> & Partial<Ids<T>>>
  | (T['key'] extends readonly [infer Only extends keyof z.input<T['schema']>] ? z.input<T['schema']>[Only] : never);
