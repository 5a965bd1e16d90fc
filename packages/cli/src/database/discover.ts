import type { AnyTable } from '@intendant/core';
import { derivedName } from '@intendant/core/internal';
import type pg from 'pg';
import { type CatalogTable, tableFromCatalog } from './table-from-catalog.ts';

/** What the catalog of a database shows. */
export interface Discovery {
  /** Tables whose resources have statuses. */
  readonly realized: readonly AnyTable[];
  /** The other tables that a store registered. */
  readonly plain: readonly AnyTable[];
  /** Prefix of the database roles; undefined if no store was registered here. */
  readonly rolePrefix: string | undefined;
  /** Whether Citus distributes some of the tables. */
  readonly isDistributed: boolean;
}

/** A store creates a policy of this name on each of its tables. The name of its role contains the prefix. */
const MARKING_POLICY = 'intendant_tenant_reader';
const MARKING_ROLE = '_tenant_reader';

/** The function of a trigger that Citus creates on each table that it keeps on nodes. */
const CITUS_TRIGGER = 'citus_truncate_trigger';

const STORE_TABLES = `
  select
    c.relname as name,
    (select json_agg(json_build_object(
       'name', a.attname, 'type', format_type(a.atttypid, a.atttypmod), 'isNotNull', a.attnotnull) order by a.attnum)
     from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as columns,
    coalesce((
      select json_agg(a.attname order by k.place)
      from pg_constraint k0
      cross join unnest(k0.conkey) with ordinality as k(attnum, place)
      join pg_attribute a on a.attrelid = c.oid and a.attnum = k.attnum
      where k0.conrelid = c.oid and k0.contype = 'p'
    ), '[]') as "primaryKey",
    (select r.rolname from unnest(p.polroles) as member join pg_roles r on r.oid = member limit 1) as role,
    exists (select from pg_trigger t join pg_proc f on f.oid = t.tgfoid where t.tgrelid = c.oid and f.proname = '${CITUS_TRIGGER}') as "isDistributed"
  from pg_class c
  join pg_namespace n on n.oid = c.relnamespace
  join pg_policy p on p.polrelid = c.oid and p.polname = '${MARKING_POLICY}'
  where n.nspname = $1 and c.relkind in ('r', 'p')
  order by c.relname`;

/** The tables of a schema that a store registered, read from the catalog. */
export async function discover(client: pg.ClientBase, schemaName: string): Promise<Discovery> {
  const { rows } = await client.query<CatalogTable & { role: string | null; isDistributed: boolean }>(STORE_TABLES, [
    schemaName,
  ]);
  const names = new Set(rows.map(({ name }) => name));
  const isRealized = (name: string) => names.has(derivedName('overall_status', name));
  const own = new Set(
    rows.flatMap(({ name }) => [derivedName('overall_status', name), derivedName('enforcement_status', name)]),
  ).add('submitted_operation'); // In databases of an older version.
  const tables = rows.filter(({ name }) => !own.has(name)).flatMap((row) => tableFromCatalog(row) ?? []);
  return {
    realized: tables.filter(({ name }) => isRealized(name)),
    plain: tables.filter(({ name }) => !isRealized(name)),
    rolePrefix: prefixOf(rows),
    isDistributed: rows.some(({ isDistributed }) => isDistributed),
  };
}

function prefixOf(rows: readonly { readonly role: string | null }[]): string | undefined {
  const role = rows.find(({ role: name }) => name?.endsWith(MARKING_ROLE))?.role;
  return role?.slice(0, -MARKING_ROLE.length);
}
