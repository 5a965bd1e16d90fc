import type { ClientBase } from 'pg';

export interface LiveColumn {
  readonly name: string;
  readonly type: string;
  readonly isNotNull: boolean;
  readonly default: string | null;
}

export interface LivePolicy {
  readonly name: string;
  readonly isPermissive: boolean;
  /** As in pg_policy: `r` select, `*` all, … */
  readonly command: string;
  readonly roles: readonly string[];
  readonly using: string | null;
  readonly check: string | null;
}

export interface LiveGrant {
  readonly grantee: string;
  readonly privilege: string;
  readonly isGrantable: boolean;
  /** The column that it applies to; null for the whole table. */
  readonly column: string | null;
}

/** Who may do what with a table, as it is in the database. */
export interface LiveAccess {
  readonly name: string;
  readonly owner: string;
  readonly hasRowSecurity: boolean;
  readonly isRowSecurityForced: boolean;
  readonly policies: readonly LivePolicy[];
  readonly grants: readonly LiveGrant[];
}

/** A table as it exists in the database. */
export interface LiveTable extends LiveAccess {
  /** Whether the table and its partitions and children have had no row since they were created or truncated. */
  readonly isEmpty: boolean;
  readonly columns: readonly LiveColumn[];
  /** Columns of the primary key, in its order. */
  readonly primaryKey: readonly string[];
  readonly primaryKeyName: string | null;
  /** Check constraints by name. */
  readonly checks: Readonly<Record<string, string>>;
  readonly indexes: readonly string[];
  /** Those that were created from a definition, and marked as such. */
  readonly definedIndexes: readonly string[];
  /** Foreign keys by name. */
  readonly references: readonly string[];
  /** Those that were created from a definition, and marked as such. */
  readonly definedReferences: readonly string[];
  /** Enabled triggers by name, each as its definition. */
  readonly triggers: Readonly<Record<string, string>>;
}

/** Who owns the table and who may do what with it. */
const ACCESS = `
    c.relname as name,
    pg_get_userbyid(c.relowner) as owner,
    c.relrowsecurity as "hasRowSecurity",
    c.relforcerowsecurity as "isRowSecurityForced",
    coalesce((
      select json_agg(json_build_object(
        'name', p.polname, 'isPermissive', p.polpermissive, 'command', p.polcmd,
        'roles', (select json_agg(case r.oid when 0 then 'public' else pg_get_userbyid(r.oid) end) from unnest(p.polroles) as r(oid)),
        'using', pg_get_expr(p.polqual, p.polrelid), 'check', pg_get_expr(p.polwithcheck, p.polrelid)))
      from pg_policy p where p.polrelid = c.oid
    ), '[]') as policies,
    coalesce((
      select json_agg(json_build_object(
        'grantee', case g.grantee when 0 then 'public' else pg_get_userbyid(g.grantee) end,
        'privilege', lower(g.privilege_type), 'isGrantable', g.is_grantable, 'column', g.column))
      from (
        select x.*, null as column from aclexplode(c.relacl) x
        union all
        select x.*, a.attname from pg_attribute a cross join aclexplode(a.attacl) x where a.attrelid = c.oid
      ) g
      where g.grantee <> c.relowner
    ), '[]') as grants`;

/** Its `offset 0` keeps the planner from computing the size of every relation in the database before the join. */
const STRUCTURE = `
    not exists (
      with recursive part (oid) as (
        select c.oid
        union
        select i.inhrelid from part join pg_inherits i on i.inhparent = part.oid
      )
      select from part cross join lateral (select k.relkind from pg_class k where k.oid = part.oid offset 0) p
      where p.relkind = 'f' or (p.relkind = 'r' and pg_relation_size(part.oid) > 0)
    ) as "isEmpty",
    coalesce((
      select json_agg(json_build_object(
        'name', a.attname, 'type', format_type(a.atttypid, a.atttypmod), 'isNotNull', a.attnotnull,
        'default', pg_get_expr(d.adbin, d.adrelid)) order by a.attnum)
      from pg_attribute a
      left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
      where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    ), '[]') as columns,
    coalesce((
      select json_agg(a.attname order by k.place)
      from pg_constraint p
      cross join unnest(p.conkey) with ordinality as k(attnum, place)
      join pg_attribute a on a.attrelid = c.oid and a.attnum = k.attnum
      where p.conrelid = c.oid and p.contype = 'p'
    ), '[]') as "primaryKey",
    (select p.conname from pg_constraint p where p.conrelid = c.oid and p.contype = 'p') as "primaryKeyName",
    coalesce((
      select json_object_agg(p.conname, pg_get_constraintdef(p.oid))
      from pg_constraint p where p.conrelid = c.oid and p.contype = 'c'
    ), '{}') as checks,
    coalesce((
      select json_agg(i.relname)
      from pg_index x join pg_class i on i.oid = x.indexrelid
      where x.indrelid = c.oid and x.indisvalid
    ), '[]') as indexes,
    coalesce((
      select json_agg(i.relname)
      from pg_index x join pg_class i on i.oid = x.indexrelid
      where x.indrelid = c.oid and obj_description(i.oid, 'pg_class') like 'intendant: %'
    ), '[]') as "definedIndexes",
    coalesce((
      select json_agg(p.conname) from pg_constraint p where p.conrelid = c.oid and p.contype = 'f' and p.conparentid = 0
    ), '[]') as "references",
    coalesce((
      select json_agg(p.conname) from pg_constraint p
      where p.conrelid = c.oid and p.contype = 'f' and obj_description(p.oid, 'pg_constraint') like 'intendant: %'
    ), '[]') as "definedReferences",
    coalesce((
      select json_object_agg(t.tgname, pg_get_triggerdef(t.oid))
      from pg_trigger t where t.tgrelid = c.oid and not t.tgisinternal and t.tgenabled in ('O', 'A')
    ), '{}') as triggers`;

const FROM = 'from pg_class c join pg_namespace n on n.oid = c.relnamespace';

/** The query for the tables of these names; schema and names are SQL, e.g. `$1` and `$2`. */
export const liveTablesQuery = (schemaName: string, names: string): string =>
  `select ${ACCESS}, ${STRUCTURE} ${FROM} where ${isAmong(schemaName, names)}`;

const isAmong = (schemaName: string, names: string): string =>
  `n.nspname = ${schemaName} and c.relname = any(${names}) and c.relkind in ('r', 'p')`;

const LIVE_TABLES = liveTablesQuery('$1', '$2');
const LIVE_ACCESS = `select ${ACCESS} ${FROM} where ${isAmong('$1', '$2')}`;

/** Returns those of the tables that exist, by name. */
export const readLiveTables = (
  client: ClientBase,
  schemaName: string,
  names: readonly string[],
): Promise<Map<string, LiveTable>> => readByName<LiveTable>(client, LIVE_TABLES, schemaName, names);

/** As `readLiveTables`, only the owner and the rights: planning and running the whole query takes several times as long. */
export const readLiveAccess = (
  client: ClientBase,
  schemaName: string,
  names: readonly string[],
): Promise<Map<string, LiveAccess>> => readByName<LiveAccess>(client, LIVE_ACCESS, schemaName, names);

async function readByName<Row extends { readonly name: string }>(
  client: ClientBase,
  query: string,
  schemaName: string,
  names: readonly string[],
): Promise<Map<string, Row>> {
  const { rows } = await client.query<Row>(query, [schemaName, names]);
  return new Map(rows.map((row) => [row.name, row]));
}

/** Returns the names of these tables' partitions, at any depth, that are in the same schema. */
export async function readPartitions(
  client: ClientBase,
  schemaName: string,
  names: readonly string[],
): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `select p.relname as name
     from pg_class c
     join pg_namespace n on n.oid = c.relnamespace
     cross join lateral pg_partition_tree(c.oid) t
     join pg_class p on p.oid = t.relid and p.relnamespace = c.relnamespace
     where n.nspname = $1 and c.relname = any($2) and c.relkind = 'p' and t.level > 0
     order by 1`,
    [schemaName, names],
  );
  return rows.map(({ name }) => name);
}
