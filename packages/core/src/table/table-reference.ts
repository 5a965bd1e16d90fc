import { ConfigurationError } from '../error/intendant-error.ts';
import { checkOptions } from '../option/check-options.ts';
import type { Column } from './column.ts';

/** What a reference needs of the referenced table. Every table made by `defineTable` has these properties. */
export interface ReferencedTable {
  /** The table's name. */
  readonly name: string;
  /** The fields of its key. */
  readonly key: readonly string[];
  /** `tenant` or `shared`. */
  readonly tenancy: string;
  /** Whether its rows belong to instances. */
  readonly instanced: boolean;
  /** The columns of the schema. */
  readonly columns: readonly Column[];
}

/** A foreign key: these fields identify a record of another table, of the same org (and instance). */
export interface TableReference<Field extends string = string> {
  /** The fields, in the order of the other table's key. A record in which one of them is null refers to nothing. */
  readonly fields: readonly Field[];
  /** The referenced table. */
  readonly table: ReferencedTable;
  /**
   * What happens to records that refer to a deleted record: `restrict` refuses the deletion, `cascade` deletes them
   * too, `setNull` sets the fields to null (a change: revision + 1). Soft deletion has no effect on references: a
   * soft-deleted record can be referred to, and keeps its own references. Default `restrict`.
   */
  readonly onDelete?: 'restrict' | 'cascade' | 'setNull';
}

interface Referrer {
  readonly name: string;
  readonly tenancy: string;
  readonly instanced: boolean;
  readonly columns: readonly Column[];
}

/** Throws ConfigurationError. */
export function checkReferences(table: Referrer, references: readonly TableReference[]): void {
  for (const reference of references) checkReference(table, reference);
}

function checkReference(from: Referrer, reference: TableReference): void {
  checkOptions(`table ${from.name}, reference`, reference, { fields: true, table: true, onDelete: true });
  const { fields, table: to, onDelete = 'restrict' } = reference;
  const refuse = (reason: string): never => {
    throw new ConfigurationError(`table ${from.name}: the reference to ${to?.name} ${reason}`);
  };
  if (typeof to?.name !== 'string') refuse('must name a table that was made by defineTable');
  if (!['restrict', 'cascade', 'setNull'].includes(onDelete)) refuse(`has an unknown onDelete ${String(onDelete)}`);
  if (from.tenancy !== to.tenancy)
    refuse(`would reveal one org's records to another: a tenant table and a shared table cannot refer to each other`);
  if (to.instanced && !from.instanced) refuse('needs a table with instanced: true');
  if (fields.length !== to.key.length) refuse(`must have as many fields as its key (${to.key.join(', ')})`);
  for (const [index, field] of fields.entries()) {
    const column = from.columns.find((candidate) => candidate.field === field);
    const target = to.columns.find((candidate) => candidate.field === to.key[index]);
    if (!column) refuse(`has a field ${field} that is not in the schema`);
    if (column?.format.sqlType !== target?.format.sqlType)
      refuse(`has a field ${field} of type ${column?.format.sqlType}, and the key's is ${target?.format.sqlType}`);
    if (onDelete === 'setNull' && !column?.isNullable) refuse(`sets ${field} to null, but ${field} is not nullable`);
  }
}
