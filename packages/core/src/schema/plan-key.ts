import { quoteIdentifier } from '../statement/identifier.ts';
import { primaryKeyName } from '../table/constraint-name.ts';
import type { RegisteredTable } from '../table/registered-table.ts';
import { alterTable } from './checks.ts';
import { withEffect } from './effect.ts';
import type { LiveTable } from './live-schema.ts';
import { type Refuse, whileEmpty } from './plan-columns.ts';

export const keyDefinition = (table: RegisteredTable): string =>
  `constraint ${quoteIdentifier(primaryKeyName(table.name))} primary key (${table.identity.map(({ name }) => quoteIdentifier(name)).join(', ')})`;

/**
 * `instance_id` may be added to the key, as a store with an instancer needs it. No other change of a key is possible while
 * the table has rows: a wider key would accept former duplicates, also from processes with the old definition.
 */
export function planPrimaryKey(table: RegisteredTable, live: LiveTable, refuse: Refuse): string[] {
  const wanted = table.identity.map(({ name }) => name);
  if (live.primaryKey.join() === wanted.join() && live.primaryKeyName === primaryKeyName(table.name)) return [];
  const drop = live.primaryKeyName === null ? [] : [`drop constraint ${quoteIdentifier(live.primaryKeyName)}`];
  const change = alterTable(table, [...drop, `add ${keyDefinition(table)}`]).join(';\n');
  if (keepsRows(live.primaryKey, wanted))
    return [withEffect(`the key becomes (${wanted.join(', ')}); all rows stay, and their keys stay unique`, change)];
  if (live.isEmpty)
    return [withEffect(`the key becomes (${wanted.join(', ')}); the table is empty`, whileEmpty(table, change))];
  refuse(
    `its primary key is (${live.primaryKey.join(', ')}), and should be (${wanted.join(', ')}), which is done by ${change}`,
  );
  return [];
}

/** Whether the columns are the same in any order, ignoring `instance_id`. */
function keepsRows(stored: readonly string[], wanted: readonly string[]): boolean {
  const added = wanted.filter((name) => !stored.includes(name));
  return stored.every((name) => wanted.includes(name)) && added.every((name) => name === 'instance_id');
}
