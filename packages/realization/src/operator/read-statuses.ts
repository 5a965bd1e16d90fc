import { InvalidRecordError } from '@intendant/core';
import {
  arrayLiteral,
  type Column,
  type Executor,
  type IdentityValue,
  quoteIdentifier,
  readIdentity,
  type Scope,
  type Statement,
  type StatementResult,
} from '@intendant/core/internal';
import { ambiguousKey } from '../resource/ambiguous-key.ts';
import { keyTable, type StatusTables } from '../resource/status-tables.ts';
import type { StatusDetails } from '../status/read-status.ts';
import { enforcementJson, overallJson, readEnforcementJson, readOverallJson } from './status-json.ts';

/** Returns the statuses by the given key. Keys without a status, or of other callers' resources, are absent. */
export async function readStatuses<Key>(
  executor: Executor,
  scope: Scope,
  tables: StatusTables,
  keys: readonly Key[],
): Promise<Map<Key, StatusDetails>> {
  if (!Array.isArray(keys)) throw new InvalidRecordError('statuses: give a list of keys');
  const lookups = keys.map((key) => ({ key, identity: identityToRead(tables, scope, key) }));
  const groups = [...Map.groupBy(lookups, ({ identity }) => columnsOf(identity)).values()];
  if (groups.length === 0) return new Map();
  const statements = groups.map((group) =>
    statusesOf(
      tables,
      group.map(({ identity }) => identity),
    ),
  );
  const results = await executor.run(scope, statements);
  const found = new Map<Key, StatusDetails>();
  for (const [turn, result] of results.entries()) collect(tables, groups[turn] ?? [], result, found);
  return found;
}

interface Lookup<Key> {
  readonly key: Key;
  readonly identity: readonly IdentityValue[];
}

/** The condition names a tenant's org, because the index begins with it. */
function identityToRead(tables: StatusTables, scope: Scope, key: unknown): IdentityValue[] {
  const named = readIdentity(keyTable(tables), scope, key, 'read');
  const org = tables.overall.columnByField.get('orgId');
  const isNamed = named.some(({ column }) => column === org);
  if (org === undefined || isNamed || scope.orgId === undefined || !scope.role.startsWith('tenant_')) return named;
  return [{ column: org, value: scope.orgId }, ...named];
}

const columnsOf = (identity: readonly IdentityValue[]): string => identity.map(({ column }) => column.name).join();

function statusesOf(tables: StatusTables, identities: readonly IdentityValue[][]): Statement {
  const columns = (identities[0] ?? []).map(({ column }) => column);
  return {
    name: 'read-statuses',
    text: statusesSql(tables, columns),
    values: columns.map((_, place) => arrayLiteral(identities.map((identity) => identity[place]?.value ?? null))),
  };
}

function statusesSql(tables: StatusTables, columns: readonly Column[]): string {
  const names = columns.map(({ name }) => quoteIdentifier(name));
  const arrays = columns.map(({ format }, index) => `$${index + 1}::${format.sqlType}[]`);
  return `
    select i.intendant_ordinal, ${overallJson('o')}, ${enforcementJson(tables, 'o')}
    from unnest(${arrays.join(', ')}) with ordinality as i (${names.join(', ')}, intendant_ordinal)
    join ${tables.overall.qualifiedName} o on ${names.map((name) => `o.${name} = i.${name}`).join(' and ')}
    where o.realization_status > 0`;
}

function collect<Key>(
  tables: StatusTables,
  group: readonly Lookup<Key>[],
  { rows }: StatementResult,
  found: Map<Key, StatusDetails>,
): void {
  const seen = new Set<Lookup<Key>>();
  for (const [ordinal, overall, enforcement] of rows) {
    const lookup = group[Number(ordinal) - 1];
    if (lookup === undefined) continue;
    if (seen.has(lookup)) throw ambiguousKey(tables, lookup.key);
    seen.add(lookup);
    found.set(lookup.key, { overall: readOverallJson(overall), enforcement: readEnforcementJson(enforcement) });
  }
}
