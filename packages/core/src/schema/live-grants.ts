import type { ClientBase } from 'pg';
import type { LiveGrant } from './live-schema.ts';

/** The rights of all roles except the owner, from an access control list. A list that was never changed means the defaults of Postgres. */
const grantsIn = (acl: string, kind: string, owner: string): string => `
  coalesce((
    select json_agg(json_build_object(
      'grantee', case x.grantee when 0 then 'public' else pg_get_userbyid(x.grantee) end,
      'privilege', lower(x.privilege_type), 'isGrantable', x.is_grantable, 'column', null))
    from aclexplode(coalesce(${acl}, acldefault('${kind}', ${owner}))) x
    where x.grantee <> ${owner}
  ), '[]') as grants`;

interface GrantsOf {
  readonly name: string;
  readonly grants: readonly LiveGrant[];
}

const byName = (rows: readonly GrantsOf[]): Map<string, readonly LiveGrant[]> =>
  new Map(rows.map(({ name, grants }) => [name, grants]));

export async function readSchemaGrants(client: ClientBase, schema: string): Promise<readonly LiveGrant[]> {
  const { rows } = await client.query<GrantsOf>(
    `select n.nspname as name, ${grantsIn('n.nspacl', 'n', 'n.nspowner')} from pg_namespace n where n.nspname = $1`,
    [schema],
  );
  return rows[0]?.grants ?? [];
}

/** By name; only those that exist. */
export async function readSequenceGrants(
  client: ClientBase,
  schema: string,
  names: readonly string[],
): Promise<Map<string, readonly LiveGrant[]>> {
  const { rows } = await client.query<GrantsOf>(
    `select c.relname as name, ${grantsIn('c.relacl', 's', 'c.relowner')}
     from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where c.relkind = 'S' and n.nspname = $1 and c.relname = any($2)`,
    [schema, names],
  );
  return byName(rows);
}

/** By the given signature; only those that exist. */
export async function readFunctionGrants(
  client: ClientBase,
  signatures: readonly string[],
): Promise<Map<string, readonly LiveGrant[]>> {
  const { rows } = await client.query<GrantsOf>(
    `select s.name, ${grantsIn('p.proacl', 'f', 'p.proowner')}
     from unnest($1::text[]) as s (name)
     join pg_proc p on p.oid = to_regprocedure(s.name)`,
    [signatures],
  );
  return byName(rows);
}
