import type { Statement } from '../exchange/statement.ts';
import { suppliedColumns, type WritableRow } from '../record/write-row.ts';
import type { Column } from '../table/column.ts';
import { primaryKeyName } from '../table/constraint-name.ts';
import type { RegisteredTable } from '../table/registered-table.ts';
import { allColumns, columnList, placeholders } from './column-list.ts';
import { quoteIdentifier } from './identifier.ts';
import { perShape } from './per-table.ts';
import { touched } from './update.ts';

interface UpsertShape {
  readonly hasRevision: boolean;
  readonly needsRow: boolean;
}

const upsertText = perShape<UpsertShape>((table, { hasRevision, needsRow }) => {
  const columns = suppliedColumns(table);
  const condition = hasRevision ? `\n    where stored.revision = $${columns.length + 1}` : '';
  return `
    insert into ${table.qualifiedName} as stored (${columnList(columns)})
    ${needsRow ? unlessMissing(table, columns) : `values (${placeholders(columns.length)})`}
    on conflict on constraint ${quoteIdentifier(primaryKeyName(table.name))}
    do update set ${assignments(table)}${condition}
    returning ${allColumns(table)}`;
});

/**
 * Inserts at revision 1, or replaces what is there, soft-deleted or not, if it is at the row's revision; whatever its
 * revision when the row names none. With `refusesMissing`, a row that names a revision other than 0 only replaces. Answers the row as stored, or none when the revision is another.
 */
export function upsertStatement(table: RegisteredTable, row: WritableRow, refusesMissing = false): Statement {
  const hasRevision = row.revision !== undefined;
  const needsRow = hasRevision && refusesMissing;
  const values = row.revision === undefined ? row.values : [...row.values, row.revision];
  return { name: 'upsert', text: upsertText(table, `${hasRevision} ${needsRow}`, { hasRevision, needsRow }), values };
}

/** The values, unless they are to replace a row at a revision and there is none. Revision 0 means that there must be none. */
function unlessMissing(table: RegisteredTable, columns: readonly Column[]): string {
  const values = columns.map(({ format }, index) => `$${index + 1}::${format.sqlType}`);
  const same = table.identity.map(
    (column) => `present.${quoteIdentifier(column.name)} = ${values[columns.indexOf(column)]}`,
  );
  return `select ${values.join(', ')}
    where $${columns.length + 1}::bigint = 0 or exists (select from ${table.qualifiedName} present where ${same.join(' and ')})`;
}

function assignments(table: RegisteredTable): string {
  const replaced = suppliedColumns(table).filter((column) => !table.identity.includes(column));
  const revived = table.definition.softDelete ? ['deleted_at = null'] : [];
  const all = [
    ...replaced.map(({ name }) => `${quoteIdentifier(name)} = excluded.${quoteIdentifier(name)}`),
    ...revived,
    ...touched(table),
  ];
  return all.length > 0 ? all.join(', ') : 'revision = stored.revision';
}
