import type { Statement } from '../exchange/statement.ts';
import { suppliedColumns, type WritableRow } from '../record/write-row.ts';
import { primaryKeyName } from '../table/constraint-name.ts';
import type { RegisteredTable } from '../table/registered-table.ts';
import { allColumns, columnList, placeholders } from './column-list.ts';
import { quoteIdentifier } from './identifier.ts';
import { perShape } from './per-table.ts';
import { touched } from './update.ts';

const upsertText = perShape<boolean>((table, hasRevision) => {
  const columns = suppliedColumns(table);
  const condition = hasRevision ? `\n    where stored.revision = $${columns.length + 1}` : '';
  return `
    insert into ${table.qualifiedName} as stored (${columnList(columns)})
    values (${placeholders(columns.length)})
    on conflict on constraint ${quoteIdentifier(primaryKeyName(table.name))}
    do update set ${assignments(table)}${condition}
    returning ${allColumns(table)}`;
});

/**
 * Inserts at revision 1, or replaces what is there, soft-deleted or not, if it is at the row's revision; whatever its
 * revision when the row names none. Answers the row as stored, or none when the revision is another.
 */
export function upsertStatement(table: RegisteredTable, row: WritableRow): Statement {
  const hasRevision = row.revision !== undefined;
  const values = row.revision === undefined ? row.values : [...row.values, row.revision];
  return { name: 'upsert', text: upsertText(table, String(hasRevision), hasRevision), values };
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
