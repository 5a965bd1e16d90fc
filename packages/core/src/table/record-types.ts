import type { z } from 'zod';
import type { TableDefinition } from './define-table.ts';

/** Any table, as the type of a parameter. */
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

/** A record as it is read: the fields of the schema and of the framework. */
export type RecordOf<T extends AnyTable> = Flat<z.output<T['schema']> & Framework<T>>;

/**
 * A record as it is inserted. The framework's fields are optional (a record that was read can be inserted), and so are
 * fields with a default in the database.
 */
export type NewRecordOf<T extends AnyTable> = Flat<
  Optional<z.input<T['schema']>, keyof T['defaults']> & Partial<Framework<T>>
>;

/** A record as it is updated. It contains the revision at which it was read. */
export type ChangedRecordOf<T extends AnyTable> = Flat<
  z.input<T['schema']> & Partial<Framework<T>> & When<T['revisioned'], { revision: number }>
>;

/** Fields to change in many records at once: all except the key. */
export type ChangesOf<T extends AnyTable> = Partial<Omit<z.input<T['schema']>, T['key'][number]>>;

type KeyFields<T extends AnyTable> = Pick<z.input<T['schema']>, T['key'][number] & keyof z.input<T['schema']>>;

/**
 * Identifies a record: by its key as an object, or by the bare value if the key is one column. `orgId` and `instanceId`
 * are optional; under a role that is not limited to one org, a change must name the org.
 */
export type KeyOf<T extends AnyTable> =
  | Flat<KeyFields<T> & Partial<Ids<T>>>
  | (T['key'] extends readonly [infer Only extends keyof z.input<T['schema']>] ? z.input<T['schema']>[Only] : never);
