import type { Statement } from '../exchange/statement.ts';
import type { IdentityValue } from '../record/identity.ts';
import { suppliedColumns, type WritableRow } from '../record/write-row.ts';
import type { Column } from '../table/column.ts';
import { INSTANCE_ID, type RegisteredTable } from '../table/registered-table.ts';
import { allColumns, newValue } from './column-list.ts';
import { aliveCondition, identityShape } from './find.ts';
import { quoteIdentifier } from './identifier.ts';
import { perShape } from './per-table.ts';
import { changedCondition, isOpenKey, uniqueKeyCondition } from './shared-key.ts';

interface UpdateShape {
  readonly identity: readonly IdentityValue[];
  readonly hasRevision: boolean;
  /** Whether a soft-deleted record is replaced too, and comes back. */
  readonly revives: boolean;
}

const updateText = perShape<UpdateShape>((table, { identity, hasRevision, revives }) => {
  const replaced = replacedColumns(table, identity);
  const assignments = replaced.map(
    (column, index) =>
      `${quoteIdentifier(column.name)} = ${revives ? newValue(column, `$${index + 1}`) : `$${index + 1}`}`,
  );
  const revival = revives && table.definition.softDelete ? ['deleted_at = null'] : [];
  const revision = hasRevision ? ` and revision = $${replaced.length + identity.length + 1}` : '';
  return `
    update ${table.qualifiedName} as stored
    set ${[...assignments, ...revival, ...touched(table)].join(', ')}
    where ${changedCondition(table, identity, replaced.length + 1)}${revision}${aliveCondition(table, revives)}${uniqueKeyCondition(table, identity, revives ? 'all' : 'alive')}
    returning ${allColumns(table)}`;
});

/**
 * Replaces all columns of the record with this identity if it has the row's revision. Returns the stored row, or none.
 * The revision is checked in the `where` clause: unlike an exception in the trigger, a conflict then does not abort a
 * surrounding transaction. With `revives`, soft-deleted records are replaced too, and come back.
 */
export function updateStatement(
  table: RegisteredTable,
  row: WritableRow,
  identity: readonly IdentityValue[],
  revives = false,
): Statement {
  const hasRevision = row.revision !== undefined;
  const supplied = suppliedColumns(table);
  const replaced = replacedColumns(table, identity).map((column) => row.values[supplied.indexOf(column)] ?? null);
  const values = [
    ...replaced,
    ...identity.map(({ value }) => value),
    ...(row.revision === undefined ? [] : [row.revision]),
  ];
  return {
    name: 'update',
    text: updateText(table, `${identityShape(identity)} ${hasRevision} ${revives}`, { identity, hasRevision, revives }),
    values,
  };
}

/** The trigger of a revisioned table sets `updated_at`. For other tables the statement sets it. */
export const touched = (table: RegisteredTable): string[] =>
  table.definition.revisioned ? [] : [`updated_at = ${currentTime(table)}`];

/** The time of a change. Citus takes no volatile function in an update; the start of the statement is as good there. */
export const currentTime = ({ placement }: RegisteredTable): string =>
  placement === 'here' ? 'clock_timestamp()' : 'statement_timestamp()';

/**
 * Assigns all columns except the identity. A table without other columns gets an assignment too, so that the update is
 * a change.
 */
function replacedColumns(table: RegisteredTable, identity: readonly IdentityValue[]): readonly Column[] {
  const supplied = suppliedColumns(table);
  const keepsInstance = isOpenKey(table, identity);
  const replaced = supplied.filter(
    (column) => !table.identity.includes(column) && !(keepsInstance && column === INSTANCE_ID),
  );
  return replaced.length > 0 ? replaced : supplied.slice(-1);
}
