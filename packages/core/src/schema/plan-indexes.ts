import { qualifiedName, quoteIdentifier, quoteLiteral } from '../statement/identifier.ts';
import type { Column } from '../table/column.ts';
import { INSTANCE_ID, ORG_ID, type RegisteredTable } from '../table/registered-table.ts';
import { type IndexOptions, indexOptions, nameOfIndex } from '../table/table-index.ts';
import { withEffect } from './effect.ts';
import type { LiveTable } from './live-schema.ts';

/** The comment on objects that come from a definition. They are removed with the definition. Other objects stay. */
export const FROM_DEFINITION = 'intendant: from the definition';

/** Statements for missing indexes, and for unique indexes of an earlier definition, which would still refuse records. */
export function planIndexes(table: RegisteredTable, live: LiveTable | undefined): string[] {
  const wanted = new Set(table.definition.indexes.map((index) => nameOfIndex(table.name, index)));
  const outdated = (live?.definedIndexes ?? []).filter((name) => !wanted.has(name));
  return [
    ...outdated.map((name) =>
      withEffect(
        `drops the unique index ${name}, which is no longer in the definition; rows stay`,
        `drop index ${qualifiedName(table.schemaName, name)}`,
      ),
    ),
    ...table.definition.indexes.flatMap((index) => planIndex(table, live, indexOptions(index))),
  ];
}

function planIndex(table: RegisteredTable, live: LiveTable | undefined, index: IndexOptions): string[] {
  const name = nameOfIndex(table.name, index);
  if (live?.indexes.includes(name)) return [];
  const { renamedFrom } = table.definition;
  const former = nameOfIndex(table.name, {
    ...index,
    fields: index.fields.map((field) => renamedFrom[field] ?? field),
  });
  if (live?.indexes.includes(former))
    return [`alter index ${qualifiedName(table.schemaName, former)} rename to ${quoteIdentifier(name)}`];
  return createIndex(table, name, index);
}

function createIndex(table: RegisteredTable, name: string, index: IndexOptions): string[] {
  const { unique = false, using = 'btree', operatorClass } = index;
  const suffix = operatorClass === undefined ? '' : ` ${operatorClass}`;
  const indexed = index.fields.map(
    (field) => quoteIdentifier((table.columnByField.get(field) as Column).name) + suffix,
  );
  const leading = using === 'gin' ? [] : leadingColumns(table, unique).map((column) => quoteIdentifier(column.name));
  const where = conditionOf(table, index);
  const sql = `create ${unique ? 'unique ' : ''}index ${quoteIdentifier(name)} on ${table.qualifiedName} using ${using} (${[...leading, ...indexed].join(', ')})${where}`;
  if (!unique) return [sql];
  return [
    withEffect(`no two rows of an org may have the same ${index.fields.join(', ')}; fails if two have`, sql),
    `comment on index ${qualifiedName(table.schemaName, name)} is ${quoteLiteral(FROM_DEFINITION)}`,
  ];
}

/**
 * A unique index covers the rows that a caller may see. Without the instance, a caller of one instance would learn of rows
 * in another one, so the instance is always part of the index.
 */
const leadingColumns = (table: RegisteredTable, isUnique: boolean): readonly Column[] =>
  isUnique
    ? [...(table.isTenanted ? [ORG_ID] : []), ...(table.isInstanced ? [INSTANCE_ID] : [])]
    : table.identity.filter((column) => !table.key.includes(column));

function conditionOf(table: RegisteredTable, { unique, includeDeleted, where }: IndexOptions): string {
  const alive = unique && !includeDeleted && table.definition.softDelete ? ['deleted_at is null'] : [];
  const conditions = [...alive, ...(where === undefined ? [] : [`(${where})`])];
  return conditions.length === 0 ? '' : ` where ${conditions.join(' and ')}`;
}
